import { grantScope } from '../oauth/scope.ts'
import { generateSid } from '../sessions/sid.ts'
import { authenticateUser } from '../users/authenticate_user.ts'
import { GUEST } from '../users/create_user.ts'
import { clientScopes, guestScopes } from './allowed_scopes.ts'
import type { Grant, GrantRequest, GrantServices } from './grant.ts'
import { issueTokens } from './issue_tokens.ts'
import { generateVisitorId } from './visitor.ts'

/** Whom a sign-in proved, and what they may be given. */
interface SignedIn {
  subject: string
  roles: readonly string[]
  allowedScopes: string[]
}

/** A name and a password for tokens (RFC 6749 §4.3); `guest` and `guest` for those of a new visitor. */
export const passwordGrant: Grant = {
  type: 'password',
  isOffered: () => true,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { api, parameters, context } = request
    const username = parameters.require('username')
    const password = parameters.require('password')
    const isGuest = api.guests && username === GUEST && password === GUEST
    const { subject, roles, allowedScopes } = isGuest
      ? signInVisitor(request)
      : await signInUser(username, password, request, services)
    const scope = grantScope(parameters.find('scope'), allowedScopes)
    const expiresAt = context.now + api.refreshTokenLifetimeSeconds
    const session = { sid: generateSid(), seq: 0, scope: scope.tokens, expiresAt }
    return issueTokens({ subject, roles, scope, session }, request, services)
  },
}

/** Nothing is read and nothing written: a visitor is the random id in their token. */
function signInVisitor({ client, api }: GrantRequest): SignedIn {
  return { subject: generateVisitorId(), roles: [], allowedScopes: guestScopes(client, api) }
}

async function signInUser(
  username: string,
  password: string,
  { client, api }: GrantRequest,
  services: GrantServices,
): Promise<SignedIn> {
  const user = await authenticateUser({ pool: api.userPool, username, password }, services)
  return { subject: user.id, roles: user.roles, allowedScopes: clientScopes(client, api) }
}
