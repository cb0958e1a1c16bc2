import type { ApiConfig } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { invalidAccessToken } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { findHolder } from '../sessions/find_holder.ts'
import { ACCESS_TOKEN_TYPE } from '../tokens/access_token.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { InvalidToken } from '../tokens/invalid_token.ts'
import { verifyToken } from '../tokens/verify_token.ts'
import type { StoredUser } from '../users/user.ts'

/**
 * Verifies an access token of one of some APIs. `requireTokenUser` checks whether it is live.
 *
 * @throws OAuthError invalid_token, StorageUnavailable
 */
export async function requireAccessClaims(
  token: string,
  apis: readonly ApiConfig[],
  { services: { config, keys }, context }: { services: Services; context: RequestContext },
): Promise<TokenClaims> {
  const audience = apis.map((api) => api.audience)
  try {
    return await verifyToken(
      token,
      { issuer: config.issuer, audience, type: ACCESS_TOKEN_TYPE },
      keys,
      context,
    )
  } catch (error) {
    if (error instanceof InvalidToken) throw invalidAccessToken(error.message)
    throw error
  }
}

/**
 * The current user of an access token, from D1.
 *
 * @throws OAuthError invalid_token if the token is revoked or belongs to no user; StorageUnavailable, CorruptRecord
 */
export async function requireTokenUser(
  claims: TokenClaims,
  services: Services,
  { now }: RequestContext,
): Promise<StoredUser> {
  const isOwn = ({ audience }: ApiConfig) => audience === claims.audience
  const api = [...services.config.apis.values()].find(isOwn)
  const holder = api ? await findHolder(claims, { api, now }, services) : null
  const user = holder?.user ?? null
  const { subject, sid } = claims
  if (user === null)
    throw invalidAccessToken('the token is not live', sid === null ? { subject } : { subject, sid })
  return user
}
