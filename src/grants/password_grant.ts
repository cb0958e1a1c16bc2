import type { NotedSignIn } from '../accounts/notifications.ts'
import { isFromClient } from '../audit/is_from_client.ts'
import { continuePasswordGrant } from '../challenge/continue_password_grant.ts'
import { clientScopes, guestScopes } from '../clients/allowed_scopes.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requireCurrentClientDuring } from '../clients/require_current_client.ts'
import { insufficientAuthorization } from '../oauth/errors.ts'
import { grantScope } from '../oauth/scope.ts'
import { endGuestSession, findVisitor } from '../sessions/end_guest_session.ts'
import { startSession } from '../sessions/start_session.ts'
import { ONE_FACTOR } from '../signin/authentication_level.ts'
import { secondFactorOf } from '../signin/second_factor.ts'
import { describeGuest, describeUser, proveUser, type TokenUser } from '../users/sign_in.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import { GUEST, generateVisitorId } from '../users/visitor.ts'
import type { Grant, GrantServices } from './grant.ts'

/** A user, or a guest, for whom `signIn` is null. */
type SignedIn = TokenUser & { signIn: VerifiedSignIn | null }

/** Issues tokens for a username and a password (RFC 6749 §4.3). The username and password `guest` start a guest's session. */
export const passwordGrant: Grant = {
  type: 'password',
  startsSession: true,
  isOffered: () => true,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { client, api, parameters } = request
    const username = parameters.require('username')
    const password = parameters.require('password')
    const isGuest = api.guests && username === GUEST && password === GUEST
    // The grant checks every parameter before the password. A later refusal would reveal a correct guess.
    const allowedScopes = isGuest ? guestScopes(client, api) : clientScopes(client, api)
    const scope = grantScope(parameters.find('scope'), allowedScopes)
    const visitorToken = isGuest ? null : parameters.find('visitor_access_token')
    const signingIn: Promise<SignedIn> = isGuest
      ? signInGuest(request, services)
      : signInUser({ username, password, visitorToken, scope: scope.tokens }, request, services)
    const signedIn = await requireCurrentClientDuring(signingIn, request, services)
    // The last step, because a refused request must not end the guest's session.
    const merge = { token: visitorToken, customer: signedIn.subject }
    const visitorId = await endGuestSession(merge, request, services)
    const by = isGuest ? 'guest' : 'password'
    const { issuedAt: authTime } = signedIn
    const proof = isGuest ? {} : { authTime, amr: ['pwd'], acr: ONE_FACTOR }
    const session = { ...signedIn, scope, facts: { visitorId, ...proof }, by } as const
    const response = await startSession(session, request, services)
    services.notifications.noteSignIn(describeSignIn(signedIn.subject, request), request.context)
    return response
  },
}

/** The parameters of a token request for a user. */
interface UserRequest {
  username: string
  password: string
  visitorToken: string | null
  scope: readonly string[]
}

/**
 * Signs a user in. A user who needs a second factor gets no tokens. A first-party client learns that the password is right; another
 * client gets the response to a wrong password.
 *
 * @throws OAuthError insufficient_authorization, or as `proveUser`; StorageUnavailable, CorruptRecord
 */
async function signInUser(
  { visitorToken, scope, ...credentials }: UserRequest,
  request: ClientRequest,
  services: GrantServices,
): Promise<SignedIn> {
  const { client, parameters, context } = request
  const { config } = services
  const needsMore = (user: User) => secondFactorOf(user, config).isNeeded
  const refuses = client.isFirstParty ? () => false : needsMore
  const challengeResponse = parameters.find('challenge_response')
  const proven = await proveUser({ ...credentials, challengeResponse, refuses }, request, services)
  const { user, signIn } = proven
  if (needsMore(user)) {
    const visitor = await findVisitor(
      visitorToken,
      { ...request, isFromClient: isFromClient(client) },
      services,
    )
    const step = await continuePasswordGrant(proven, { scope, visitor }, request, services)
    services.notifications.noteUnfinished(describeSignIn(user.id, request), step?.token ?? null, context)
    throw insufficientAuthorization(step?.authSession ?? null, { subject: user.id })
  }
  await services.deletion.cancel(user, { api: request.api.name, clientId: client.id }, context)
  return { ...describeUser(user, config, context.now), signIn }
}

/** The sign-in for the notifications of the user. */
function describeSignIn(subject: string, { client, api }: ClientRequest): NotedSignIn {
  return { subject, client, api: api.name, browserId: null }
}

/** Creates a guest without a store: a guest is only a random id in tokens. @throws OAuthError temporarily_unavailable */
async function signInGuest(
  { client, context }: ClientRequest,
  { bursts }: Pick<GrantServices, 'bursts'>,
): Promise<SignedIn> {
  await bursts.spend('guests', client.id, context)
  return { ...describeGuest(generateVisitorId(), context.now), signIn: null }
}
