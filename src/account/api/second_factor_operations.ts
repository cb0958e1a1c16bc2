import * as z from 'zod/mini'
import { notAllowed, unknownItem } from '../../oauth/errors.ts'
import {
  appOf,
  confirmApp,
  findRemainingWithoutApp,
  removeApp,
  renewCodes,
  startApp,
} from '../operations/own_second_factor.ts'
import { type ApiCall, userOperation } from './api_operation.ts'
import { requiredText } from './required_text.ts'
import { serviceNameOf } from './service_name.ts'

const startAuthenticatorApp = userOperation({
  method: 'POST',
  path: '/authenticator-app',
  summary: 'Returns the key of a new app as `secret` and `uri`, and `sealed`. Nothing is stored',
  needsProof: true,
  status: 200,
  async run(call) {
    requireAllowed(call)
    const { sealed, secret, uri } = await startApp({ service: serviceNameOf(call), sealed: '' }, call)
    return { sealed, secret, uri }
  },
})

const confirmAuthenticatorApp = userOperation({
  method: 'POST',
  path: '/authenticator-app/confirm',
  summary: 'Stores the app after its first code, in place of an earlier one, and returns ten recovery codes',
  needsProof: true,
  input: z.object({ sealed: requiredText, code: requiredText }),
  status: 200,
  async run(call, input) {
    requireAllowed(call)
    return { recovery_codes: await confirmApp(input, call) }
  },
})

/** @throws OAuthError access_denied if the pool has no authenticator apps for the user */
function requireAllowed(call: ApiCall): void {
  if (!appOf(call).isAllowed) throw notAllowed('the user cannot set up an authenticator app')
}

const removeAuthenticatorApp = userOperation({
  method: 'DELETE',
  path: '/authenticator-app',
  summary: 'Removes the app and the recovery codes',
  needsProof: true,
  status: 204,
  async run(call) {
    if (!appOf(call).isSetUp) throw unknownItem()
    if ((await findRemainingWithoutApp(call)) === null) throw notAllowed('the user needs a second factor')
    await removeApp(call)
    return undefined
  },
})

const renewRecoveryCodes = userOperation({
  method: 'POST',
  path: '/recovery-codes',
  summary: 'Replaces the recovery codes and returns the new ones',
  needsProof: true,
  status: 200,
  async run(call) {
    if (!appOf(call).isSetUp) throw unknownItem()
    return { recovery_codes: await renewCodes(call) }
  },
})

export const SECOND_FACTOR_OPERATIONS = [
  startAuthenticatorApp,
  confirmAuthenticatorApp,
  removeAuthenticatorApp,
  renewRecoveryCodes,
]
