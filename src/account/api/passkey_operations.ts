import * as z from 'zod/mini'
import { notAllowed, unknownItem } from '../../oauth/errors.ts'
import type { Passkey } from '../../passkeys/passkey.ts'
import {
  addPasskey,
  findRemainingWithout,
  listOwnPasskeys,
  removePasskey,
  renamePasskey,
  startPasskey,
} from '../operations/own_passkeys.ts'
import { userOperation } from './api_operation.ts'
import { requiredText } from './required_text.ts'
import { serviceNameOf } from './service_name.ts'

const listPasskeys = userOperation({
  method: 'GET',
  path: '/passkeys',
  summary: 'Lists the passkeys',
  needsProof: false,
  status: 200,
  async run(call) {
    return { items: (await listOwnPasskeys(call)).map(showPasskey) }
  },
})

function showPasskey({ id, name, rpId, createdAt, lastUsedAt }: Passkey) {
  return { id, name, rp_id: rpId, created_at: createdAt, last_used_at: lastUsedAt }
}

const startNewPasskey = userOperation({
  method: 'POST',
  path: '/passkeys/options',
  summary: 'Returns `sealed` and the `options` of a new passkey, for the session of the token',
  needsProof: true,
  status: 200,
  async run(call) {
    const started = await startPasskey({ service: serviceNameOf(call), holder: call.sid }, call)
    if (started === null) throw notAllowed('the pool has no passkeys')
    return started
  },
})

const addNewPasskey = userOperation({
  method: 'POST',
  path: '/passkeys',
  summary: 'Adds a passkey. `response` is the JSON text of `PublicKeyCredential.toJSON()`',
  needsProof: true,
  input: z.object({ sealed: requiredText, response: requiredText }),
  status: 201,
  async run(call, input) {
    return showPasskey(await addPasskey({ ...input, holder: call.sid }, call))
  },
})

const changePasskey = userOperation({
  method: 'PATCH',
  path: '/passkeys/{id}',
  summary: 'Names a passkey',
  needsProof: true,
  input: z.object({ name: requiredText }),
  status: 204,
  async run(call, { name }) {
    if (!(await renamePasskey({ id: call.params.id ?? '', name }, call))) throw unknownItem()
    return undefined
  },
})

const deletePasskey = userOperation({
  method: 'DELETE',
  path: '/passkeys/{id}',
  summary: 'Removes a passkey',
  needsProof: true,
  status: 204,
  async run(call) {
    const { id = '' } = call.params
    const passkeys = await listOwnPasskeys(call)
    if (!passkeys.some((passkey) => passkey.id === id)) throw unknownItem()
    if (findRemainingWithout(id, passkeys, call) === null) throw notAllowed('the user needs the passkey')
    await removePasskey(id, call)
    return undefined
  },
})

export const PASSKEY_OPERATIONS = [listPasskeys, startNewPasskey, addNewPasskey, changePasskey, deletePasskey]
