import type { GrantedScope } from '../oauth/scope.ts'
import { formatScope } from '../oauth/scope.ts'
import { issueAccessToken } from '../tokens/access_token.ts'
import { issueRefreshToken } from '../tokens/refresh_token.ts'
import type { GrantRequest, GrantServices } from './grant.ts'

/** The members of a successful answer, in the order in which they are written (RFC 6749 §5.1). */
export interface TokenResponse {
  token_type: 'Bearer'
  expires_in: number
  access_token: string
  refresh_token?: string
  scope?: string
}

/** Whom the tokens are for and what they may do. */
export interface Issuance {
  subject: string
  roles: readonly string[]
  scope: GrantedScope
  /** The session that the tokens belong to; null for a client's own token, which cannot be refreshed. */
  session: SessionState | null
}

export interface SessionState {
  sid: string
  /** The number of the refresh token to be issued. */
  seq: number
  /** The whole scope of the session, which a refresh token keeps however narrow an access token was asked for. */
  scope: readonly string[]
  /** Unix seconds. */
  expiresAt: number
}

/** Signs the tokens and puts the answer together. */
export async function issueTokens(
  issuance: Issuance,
  { client, api, context }: GrantRequest,
  { config, keys }: GrantServices,
): Promise<TokenResponse> {
  const { subject, roles, scope, session } = issuance
  const key = await keys.current(context)
  const common = { issuer: config.issuer, subject, clientId: client.id, issuedAt: context.now }
  const [accessToken, refreshToken] = await Promise.all([
    issueAccessToken(
      {
        ...common,
        audience: api.audience,
        expiresAt: context.now + api.accessTokenLifetimeSeconds,
        sid: session?.sid ?? null,
        scope: scope.tokens,
        roles,
      },
      key,
    ),
    session && config.refreshTokensEnabled ? issueRefreshToken({ ...common, ...session }, key) : null,
  ])
  return {
    token_type: 'Bearer',
    expires_in: api.accessTokenLifetimeSeconds,
    access_token: accessToken,
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(scope.announce ? { scope: formatScope(scope.tokens) } : {}),
  }
}
