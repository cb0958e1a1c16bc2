import * as z from 'zod/mini'
import { clientScopes } from '../clients/allowed_scopes.ts'
import { NO_PROOF } from '../clients/client_proof.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requireNoActiveRevocation } from '../clients/require_current_client.ts'
import { Parameters } from '../oauth/parameters.ts'
import { grantScope } from '../oauth/scope.ts'
import { changePassword } from '../sessions/change_password.ts'
import { startSession } from '../sessions/start_session.ts'
import { passwordStateOf } from '../users/password_state.ts'
import { describeUser } from '../users/sign_in.ts'
import type { UserRecord } from '../users/user_record.ts'
import { byCaller, requireChanged, settingOf } from './change.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { requireOperator } from './permissions.ts'
import { notFound, Problem } from './problem.ts'
import { requireOwnPassword } from './prove_password.ts'
import { named } from './schemas.ts'
import { password } from './user_schemas.ts'
import { refuseAsProblem } from './users.ts'

const ownPasswordSchema = named('OwnPassword', z.strictObject({ current_password: password, password }))

/** The members of the token response (RFC 6749 §5.1). */
export const tokensSchema = named(
  'Tokens',
  z.strictObject({
    token_type: z.enum(['Bearer', 'DPoP']),
    expires_in: z.int(),
    access_token: z.string(),
    refresh_token: z.optional(z.string()),
    scope: z.optional(z.string()),
  }),
)

const changeOwnPassword = operation({
  id: 'changeOwnPassword',
  method: 'POST',
  path: '/me/password',
  summary: 'Sets a new password, ends every session of the operator and returns the tokens of a new session',
  tag: 'me',
  role: 'anyone',
  scope: null,
  body: ownPasswordSchema,
  status: 200,
  response: tokensSchema,
  async handle(call) {
    const { services, body } = call
    const operator = requireOperator(call)
    await requireOwnPassword(call, body.current_password, 'changeOwnPassword')
    const request = await describeClient(call)
    const { id } = operator.user
    const setting = {
      ...settingOf(call, id, 'changeOwnPassword'),
      event: byCaller(call, { operation: 'changeOwnPassword' }),
    }
    const change = { user: operator.user, current: body.current_password, next: body.password }
    const outcome = await refuseAsProblem(() => changePassword(change, setting, services))
    const user = requireChanged(outcome, 'user', () => new Problem('conflict'))
    return { body: await signInAgain(user, request, call) }
  },
})

export const OWN_PASSWORD: readonly Operation[] = [changeOwnPassword]

/** A token request of the client with which the operator signed in. */
async function describeClient(call: Call): Promise<ClientRequest> {
  const { services, context } = call
  const operator = requireOperator(call)
  const client = await services.clientTable.find(operator.clientId)
  if (client === null) throw notFound('client')
  requireNoActiveRevocation(client.id, client.accessValidFrom, context.now)
  const api = services.config.apis.get(client.api)
  if (api === undefined) throw new Problem('conflict', { reason: 'the API of the client is not configured' })
  return {
    client,
    proof: NO_PROOF,
    proofKey: operator.proofKey,
    api,
    parameters: new Parameters(new Map()),
    context,
  }
}

/**
 * Tokens of a new session, with the scope of the operator's access token. If that token had no scope because of the
 * password (`isRestricted`), the new ones get every scope of the client, as at a sign-in.
 */
function signInAgain(user: UserRecord, request: ClientRequest, call: Call) {
  const operator = requireOperator(call)
  const { services } = call
  const { config } = services
  const allowed = clientScopes(request.client, request.api)
  const { isRestricted } = passwordStateOf(operator.user, config)
  const scopes = isRestricted ? allowed : operator.scope.filter((scope) => allowed.includes(scope))
  const signedIn = {
    ...describeUser(user, config, request.context.now),
    scope: grantScope(null, scopes),
    facts: operator.proof,
    by: 'password',
    signIn: null,
  } as const
  return startSession(signedIn, request, services)
}
