import type { ApiConfig, Config } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Services } from '../services/services.ts'
import { ACCESS_TOKEN_TYPE } from '../tokens/access_token.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { InvalidToken } from '../tokens/invalid_token.ts'
import { REFRESH_TOKEN_TYPE } from '../tokens/refresh_token.ts'
import { readHeader, verifyToken } from '../tokens/verify_token.ts'

/**
 * Reads the `token` parameter of revocation and introspection, and returns its claims. The result is null if this server did
 * not issue the token, or if it has expired. The `typ` decides the kind, because `token_type_hint` is a hint (RFC 7009 §2.1).
 *
 * @throws StorageUnavailable
 */
export async function readTokenInQuestion(
  token: string,
  { config, keys }: Services,
  context: RequestContext,
): Promise<TokenClaims | null> {
  try {
    const audience = audienceByType(config).get(readHeader(token).typ ?? '')
    if (!audience) return null
    const { type, ...rest } = audience
    return await verifyToken(token, { issuer: config.issuer, type, ...rest }, keys, context)
  } catch (error) {
    if (error instanceof InvalidToken) return null
    throw error
  }
}

/**
 * The API of a verified token: that of the audience of an access token, or that of the session of a refresh token.
 *
 * @param own The name of the API to which the client of the token belongs.
 * @returns null if config.yml has no such API
 */
export function findTokenApi(
  { seq, api, audience }: TokenClaims,
  own: string,
  { apis }: Pick<Config, 'apis'>,
): ApiConfig | null {
  if (seq !== null) return apis.get(api ?? own) ?? null
  return [...apis.values()].find((candidate) => candidate.audience === audience) ?? null
}

function audienceByType(config: Config) {
  const audiences = [...config.apis.values()].map((api) => api.audience)
  return new Map([
    [ACCESS_TOKEN_TYPE, { type: ACCESS_TOKEN_TYPE, audience: audiences }],
    [REFRESH_TOKEN_TYPE, { type: REFRESH_TOKEN_TYPE, audience: [config.issuer] }],
  ])
}
