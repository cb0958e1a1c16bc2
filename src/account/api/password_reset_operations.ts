import { RESET_PASSWORD } from '../../accounts/link_kinds.ts'
import { setPasswordByLink } from '../../accounts/set_password.ts'
import { refusedValue } from '../../oauth/errors.ts'
import { readTypedName } from '../../signin/email_codes.ts'
import type { ClientOperation } from './api_operation.ts'

const requestReset: ClientOperation = {
  caller: 'client',
  method: 'POST',
  path: '/password-reset',
  summary: 'Sends the mail with the link to a new password',
  members: ['username'],
  status: 202,
  async run({ pool, request: { api, parameters, context }, services }) {
    const name = readTypedName(parameters.require('username'))
    if (name === null) throw refusedValue('username')
    const language = context.language ?? 'en'
    const forgotten = { pool, api: api.name, name, language, device: null }
    await services.passwordLinks.request(forgotten, context)
    return {}
  },
}

const confirmReset: ClientOperation = {
  caller: 'client',
  method: 'POST',
  path: '/password-reset/confirm',
  summary: 'Sets a new password by the token of the link, and ends every session of the user',
  members: ['token', 'password'],
  status: 204,
  async run({ pool, request: { client, api, parameters, context }, services }) {
    const [token, password] = [parameters.require('token'), parameters.require('password')]
    const linked = { kind: RESET_PASSWORD, token, pool, api: api.name, clientId: client.id, password }
    const user = await setPasswordByLink(linked, services, context)
    if (user === null) throw refusedValue('token')
    return undefined
  },
}

export const PASSWORD_RESET_OPERATIONS = [requestReset, confirmReset]
