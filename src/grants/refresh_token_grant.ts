import { isConfidential } from '../clients/client.ts'
import { OAuthError } from '../oauth/errors.ts'
import { grantScope } from '../oauth/scope.ts'
import { type RefreshTokenClaims, verifyRefreshToken } from '../tokens/refresh_token.ts'
import { GOOD_STANDING, passwordStandingOf } from '../users/password_standing.ts'
import { issueTimeOf } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import { clientScopes, guestScopes } from './allowed_scopes.ts'
import type { ClientRequest, Grant, GrantServices } from './grant.ts'
import { issueTokens } from './issue_tokens.ts'
import { lifetimesOf } from './lifetimes.ts'
import { refuseRefresh } from './refuse_refresh.ts'
import { requireUnchangedClient } from './require_current_client.ts'
import { rotateSession } from './rotate_session.ts'

/** A refresh token for an access token and the refresh token's successor (RFC 6749 §6). */
export const refreshTokenGrant: Grant = {
  type: 'refresh_token',
  isOffered: (config) => config.refreshTokensEnabled,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { client, api, parameters, context } = request
    const { config, keys } = services
    const token = parameters.require('refresh_token')
    const claims = await verifyRefreshToken(token, { keys, issuer: config.issuer }, context).catch((error) =>
      countGuess(error, request, services),
    )
    await requireUnchangedClient(request, services)
    if (claims.clientId !== client.id) throw refuseRefresh('issued to another client', claims)
    checkIdle(claims, request)
    const allowedScopes = scopesNow(claims, request)
    const stillAllowed = claims.scope.filter((scope) => allowedScopes.includes(scope))
    const scope = grantScope(parameters.find('scope'), stillAllowed)
    await spendRefresh(claims, request, services)
    // Last, because it uses the token up: a request that is refused for another reason must not.
    const { session, user } = await rotateSession(claims, request, services)
    const holder = {
      client,
      api,
      subject: claims.subject,
      roles: user?.roles ?? [],
      standing: user === null ? GOOD_STANDING : passwordStandingOf(user, config),
      issuedAt: user === null ? context.now : issueTimeOf(user, context.now),
    }
    return issueTokens({ ...holder, scope, session }, services, context)
  },
}

/** A token that is none of ours may be a guess; one that has expired is not. @throws the error, or that there were too many */
async function countGuess(
  error: unknown,
  { client, context }: ClientRequest,
  { bursts }: GrantServices,
): Promise<never> {
  const isGuess = error instanceof OAuthError && error.about.subject === undefined
  if (isGuess) await bursts.spend('guesses', `refresh ${client.id}`, context)
  throw error
}

/**
 * Each refresh writes rows, so it has a budget. All sessions of a public client at one address share one. A confidential client
 * refreshes for many users from one address, so each of its sessions has its own.
 *
 * @throws OAuthError temporarily_unavailable
 */
function spendRefresh(
  { sid }: RefreshTokenClaims,
  { client, context }: ClientRequest,
  { bursts }: GrantServices,
): Promise<void> {
  return bursts.spend('refreshes', isConfidential(client) ? sid : client.id, context)
}

/** A lifetime that was made shorter since holds for tokens that were issued before, too. */
function checkIdle(claims: RefreshTokenClaims, { client, api, context }: ClientRequest): void {
  const expiresAt = claims.issuedAt + lifetimesOf(client, api).refreshTokenSeconds
  if (expiresAt <= context.now) throw refuseRefresh('not used for longer than is allowed now', claims)
}

/** What the session may have at most, as the client and the API are now. */
function scopesNow(claims: RefreshTokenClaims, { client, api }: ClientRequest): string[] {
  if (!isVisitorId(claims.subject)) return clientScopes(client, api)
  if (!api.guests) throw refuseRefresh('guests are off', claims)
  return guestScopes(client, api)
}
