import { clientScopes, guestScopes } from '../clients/allowed_scopes.ts'
import { isConfidential } from '../clients/client.ts'
import { findRequestAbout } from '../clients/client_apis.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import { requireGrantedApi } from '../clients/resource.ts'
import { invalidDpopProof, OAuthError } from '../oauth/errors.ts'
import { isIdentityScope } from '../oauth/identity_scope.ts'
import { grantScope } from '../oauth/scope.ts'
import { requireClientMethod } from '../sessions/client_method.ts'
import { prepareRotation } from '../sessions/prepare_rotation.ts'
import { refuseRefresh } from '../sessions/refuse_refresh.ts'
import { rotateSession } from '../sessions/rotate_session.ts'
import { isBelowRequiredLevel } from '../signin/second_factor.ts'
import type { SessionFacts } from '../tokens/claims.ts'
import { issueTokens } from '../tokens/issue_tokens.ts'
import { type RefreshTokenClaims, verifyRefreshToken } from '../tokens/refresh_token.ts'
import { describeGuest, describeUser } from '../users/sign_in.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Grant, GrantServices } from './grant.ts'

/**
 * Issues a new access token and the successor of the refresh token (RFC 6749 §6). A client may refresh if it may use a grant
 * that starts sessions, or if its record lists `refresh_token`.
 */
export const refreshTokenGrant: Grant = {
  type: 'refresh_token',
  startsSession: false,
  isOffered: (config) => config.refreshTokensEnabled,
  isAllowed: (client, grants) =>
    client.grants.includes('refresh_token') ||
    grants.some((grant) => grant.startsSession && grant.isAllowed(client, grants)),

  async run(received, services) {
    const { config } = services
    const token = received.parameters.require('refresh_token')
    prepareRotation(token, services, received.context)
    const claims = await verifyToken(token, received, services)
    await requireUnchangedClient(received, services)
    const request = requestAbout(claims, received, config)
    const { client, api, proofKey, parameters, context } = request
    requireClientMethod(claims, request)
    requireGrantedApi(request)
    requireNotIdle(claims, request)
    requireBoundKey(claims, request)
    const allowedScopes = scopesNow(claims, request)
    const stillAllowed = claims.scope.filter(
      (scope) => allowedScopes.includes(scope) || isIdentityScope(scope),
    )
    const scope = grantScope(parameters.find('scope'), stillAllowed)
    await spendRefresh(claims, request, services)
    // The token is used after the other checks, because a refused request must not use it. Only the check of the second factor
    // follows, because it needs the record of the user.
    const { session, user, knownAt } = await rotateSession(claims, request, services)
    if (user !== null && isBelowRequiredLevel(user, claims, config))
      throw refuseRefresh('other', 'the user needs a second factor', claims)
    const holder =
      user === null ? describeGuest(claims.subject, knownAt) : describeUser(user, config, knownAt)
    const bound = { ...session, facts: { ...session.facts, ...bindingAfter(claims, request) } }
    return issueTokens({ ...holder, user, client, api, scope, proofKey, session: bound }, services, context)
  },
}

/**
 * Verifies a refresh token. A token that this server did not issue may be a guess and uses a budget. An expired token uses
 * no budget.
 *
 * @throws OAuthError invalid_grant, or temporarily_unavailable if the budget is used up; StorageUnavailable
 */
async function verifyToken(
  token: string,
  { client, context }: ClientRequest,
  { config, keys, bursts }: GrantServices,
): Promise<RefreshTokenClaims> {
  try {
    return await verifyRefreshToken(token, { keys, issuer: config.issuer }, context)
  } catch (error) {
    const isGuess = error instanceof OAuthError && error.about.subject === undefined
    if (isGuess) await bursts.spend('guesses', `refresh ${client.id}`, context)
    throw error
  }
}

/** The received request with the API of its refresh token. @throws OAuthError invalid_grant for the token of another client or of another API */
function requestAbout(
  claims: RefreshTokenClaims,
  received: ClientRequest,
  config: GrantServices['config'],
): ClientRequest {
  const { client } = received
  if (claims.clientId !== client.id)
    throw refuseRefresh('foreign_token', 'the token was issued to another client', claims)
  const request = findRequestAbout(received, claims.api ?? client.api, config)
  if (request === null) throw refuseRefresh('other', 'the client belongs to another API now', claims)
  return request
}

/**
 * Uses the budget of refreshes, because each refresh writes rows. All sessions of a public client at one address share one
 * budget. A confidential client refreshes for many users from one address, so each of its sessions has its own budget.
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

/** Requires that the refresh token has not expired. A shorter lifetime in the settings also applies to older tokens. */
function requireNotIdle(claims: RefreshTokenClaims, { client, api, context }: ClientRequest): void {
  const expiresAt = claims.issuedAt + lifetimesOf(client, api).refreshTokenSeconds
  if (expiresAt <= context.now)
    throw refuseRefresh('expired_token', 'the token has expired under the current lifetime', claims)
}

/**
 * Requires a proof for the session of a bound token. A public client must prove the same key (RFC 9449 §5). A client that
 * authenticates can change its key.
 *
 * @throws OAuthError invalid_dpop_proof, invalid_grant
 */
function requireBoundKey(claims: RefreshTokenClaims, { client, proofKey }: ClientRequest): void {
  const { keyThumbprint } = claims
  if (keyThumbprint === null) return
  if (proofKey === null) throw invalidDpopProof('the refresh token is bound to a key')
  if (!isConfidential(client) && proofKey !== keyThumbprint)
    throw refuseRefresh('other', 'the refresh token is bound to another key', claims)
}

/** The facts of the session about its key after a refresh. */
function bindingAfter(
  { keyThumbprint, isBoundLater }: RefreshTokenClaims,
  { client, proofKey }: ClientRequest,
): Pick<SessionFacts, 'keyThumbprint' | 'isBoundLater'> {
  const isBoundNow = !isConfidential(client) && keyThumbprint === null && proofKey !== null
  return { keyThumbprint: proofKey, isBoundLater: isBoundLater || isBoundNow }
}

/** The scope of the session that the client and the API still allow. @throws OAuthError invalid_grant */
function scopesNow(claims: RefreshTokenClaims, { client, api }: ClientRequest): string[] {
  if (!isVisitorId(claims.subject)) return clientScopes(client, api)
  if (!api.guests) throw refuseRefresh('other', 'the API has no guests', claims)
  return guestScopes(client, api)
}
