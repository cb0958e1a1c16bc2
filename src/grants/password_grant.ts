import { clientScopes, guestScopes } from '../clients/allowed_scopes.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { besideClientCheck } from '../clients/require_current_client.ts'
import { grantScope } from '../oauth/scope.ts'
import { spendVisitor } from '../sessions/spend_visitor.ts'
import { startSession } from '../sessions/start_session.ts'
import { authenticateUser } from '../users/authenticate_user.ts'
import { findBreach } from '../users/breaches/find_breach.ts'
import { GOOD_STANDING, type PasswordStanding, passwordStandingOf } from '../users/password_standing.ts'
import { renewHash } from '../users/renew_hash.ts'
import type { ProvenSignIn } from '../users/sign_in_guard.ts'
import { issueTimeOf } from '../users/user.ts'
import { GUEST, generateVisitorId } from '../users/visitor.ts'
import type { Grant, GrantServices } from './grant.ts'

/** The user or guest that the credentials prove, and the claims of the tokens. */
interface Proven {
  subject: string
  roles: readonly string[]
  standing: PasswordStanding
  /** The `iat` of the tokens. Unix seconds. */
  issuedAt: number
  /** Null for a visitor. */
  signIn: ProvenSignIn | null
}

/** A name and a password for tokens (RFC 6749 §4.3); `guest` and `guest` for those of a new visitor. */
export const passwordGrant: Grant = {
  type: 'password',
  isOffered: () => true,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { client, api, parameters } = request
    const username = parameters.require('username')
    const password = parameters.require('password')
    const isGuest = api.guests && username === GUEST && password === GUEST
    // Every parameter before the password check: a later refusal would show that a guess is correct, without a session.
    const allowedScopes = isGuest ? guestScopes(client, api) : clientScopes(client, api)
    const scope = grantScope(parameters.find('scope'), allowedScopes)
    const visitorToken = isGuest ? null : parameters.find('visitor_access_token')
    const proving = isGuest
      ? signInVisitor(request, services)
      : signInUser(username, password, request, services)
    const proven = await besideClientCheck(proving, request, services)
    // Last, because it ends the guest's session: a refused request must not end it.
    const visitorId = await spendVisitor({ token: visitorToken, customer: proven.subject }, request, services)
    const by = isGuest ? 'guest' : 'password'
    return startSession({ ...proven, scope, facts: { visitorId }, by }, request, services)
  },
}

/** Nothing is read and nothing written: a visitor is the random id in their token. */
async function signInVisitor({ client, context }: ClientRequest, { bursts }: GrantServices): Promise<Proven> {
  await bursts.spend('guests', client.id, context)
  const subject = generateVisitorId()
  return { subject, roles: [], standing: GOOD_STANDING, issuedAt: context.now, signIn: null }
}

async function signInUser(
  username: string,
  password: string,
  request: ClientRequest,
  services: GrantServices,
): Promise<Proven> {
  const { client, api, context } = request
  const challengeResponse = request.parameters.find('challenge_response')
  const who = { pool: api.userPool, username, password, clientId: client.id, api: api.name }
  const credentials = { ...who, challengeResponse }
  const proven = await authenticateUser(credentials, services, context)
  const user = await findBreach(proven.user, password, request, services)
  renewHash(user, password, request, services)
  const issuedAt = issueTimeOf(user, context.now)
  const { id: subject, roles } = user
  const standing = passwordStandingOf(user, services.config)
  return { subject, roles, standing, issuedAt, signIn: proven.signIn }
}
