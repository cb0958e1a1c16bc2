import { invalidRefreshToken } from '../oauth/errors.ts'
import { grantScope } from '../oauth/scope.ts'
import { type RefreshTokenClaims, verifyRefreshToken } from '../tokens/refresh_token.ts'
import { clientScopes, guestScopes } from './allowed_scopes.ts'
import type { Grant, GrantRequest, GrantServices } from './grant.ts'
import { issueTokens } from './issue_tokens.ts'
import { isVisitorId } from './visitor.ts'

/** The person or visitor as they are now, not as they were when the session began. */
interface Subject {
  roles: readonly string[]
  allowedScopes: string[]
}

/** A refresh token for an access token and the refresh token's successor (RFC 6749 §6). */
export const refreshTokenGrant: Grant = {
  type: 'refresh_token',
  isOffered: (config) => config.refreshTokensEnabled,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { client, parameters, context } = request
    const { issuer } = services.config
    const token = parameters.require('refresh_token')
    const claims = await verifyRefreshToken(token, { keys: services.keys, issuer }, context)
    if (claims.clientId !== client.id) throw invalidRefreshToken('issued to another client')
    const { roles, allowedScopes } = await findSubject(claims.subject, request, services)
    const stillAllowed = claims.scope.filter((scope) => allowedScopes.includes(scope))
    const scope = grantScope(parameters.find('scope'), stillAllowed)
    // Last, since it uses the token up: whatever else is wrong must leave it whole.
    const session = await rotate(claims, request, services)
    return issueTokens({ subject: claims.subject, roles, scope, session }, request, services)
  },
}

async function findSubject(
  id: string,
  { client, api }: GrantRequest,
  { users }: GrantServices,
): Promise<Subject> {
  if (isVisitorId(id)) {
    if (!api.guests) throw invalidRefreshToken('guests are off')
    return { roles: [], allowedScopes: guestScopes(client, api) }
  }
  const user = await users.findById(id)
  if (user === null) throw invalidRefreshToken('the user is gone')
  if (!user.enabled) throw invalidRefreshToken('the user is disabled')
  if (user.pool !== api.userPool) throw invalidRefreshToken('the user is of another pool')
  return { roles: user.roles, allowedScopes: clientScopes(client, api) }
}

async function rotate(
  claims: RefreshTokenClaims,
  { client, api, context }: GrantRequest,
  { sessions }: GrantServices,
) {
  const expiresAt = context.now + api.refreshTokenLifetimeSeconds
  const seq = await sessions.rotate({
    sid: claims.sid,
    seq: claims.seq,
    subject: claims.subject,
    clientId: client.id,
    api: api.name,
    startedAt: claims.issuedAt,
    now: context.now,
    expiresAt,
  })
  if (seq === null) throw invalidRefreshToken('not the current token of its session')
  return { sid: claims.sid, seq, scope: claims.scope, expiresAt }
}
