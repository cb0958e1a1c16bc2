import { formatScope, type GrantedScope } from '../oauth/scope.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import { issueAccessToken } from '../tokens/access_token.ts'
import { issueRefreshToken } from '../tokens/refresh_token.ts'
import type { ClientRequest, GrantServices } from './grant.ts'
import { lifetimesOf } from './lifetimes.ts'

/** Whom the tokens are for and what they may do. */
export interface Issuance {
  subject: string
  roles: readonly string[]
  /** Whether an operator asks the person for a new password. False where it is absent. */
  mustChangePassword?: boolean
  scope: GrantedScope
  /** Unix seconds. */
  issuedAt: number
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
  /** The visitor that this customer was before signing in. */
  visitorId: string | null
}

/** Signs the tokens and puts the answer together. */
export async function issueTokens(
  { subject, roles, mustChangePassword = false, scope, issuedAt, session }: Issuance,
  { client, api, context }: ClientRequest,
  { config, keys }: GrantServices,
): Promise<TokenResponse> {
  const key = await keys.current(context)
  const common = { issuer: config.issuer, subject, clientId: client.id, issuedAt }
  const expiresAt = Math.min(
    issuedAt + lifetimesOf(client, api).accessTokenSeconds,
    session?.expiresAt ?? Infinity,
  )
  const access = {
    ...common,
    audience: api.audience,
    expiresAt,
    sid: session?.sid ?? null,
    scope: scope.tokens,
    roles,
    mustChangePassword,
    visitorId: session?.visitorId ?? null,
  }
  const [accessToken, refreshToken] = await Promise.all([
    issueAccessToken(access, key),
    session && config.refreshTokensEnabled ? issueRefreshToken({ ...common, ...session }, key) : null,
  ])
  return {
    token_type: 'Bearer',
    expires_in: expiresAt - context.now,
    access_token: accessToken,
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(scope.announce ? { scope: formatScope(scope.tokens) } : {}),
  }
}
