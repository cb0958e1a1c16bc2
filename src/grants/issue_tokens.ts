import { compact } from '../lib/compact.ts'
import { formatScope, type GrantedScope, NO_SCOPE } from '../oauth/scope.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import { issueAccessToken } from '../tokens/access_token.ts'
import { issueRefreshToken } from '../tokens/refresh_token.ts'
import { GOOD_STANDING, type PasswordStanding } from '../users/password_standing.ts'
import type { ClientRequest, GrantServices } from './grant.ts'
import { lifetimesOf } from './lifetimes.ts'

/** Whom the tokens are for and what they may do. */
export interface Issuance {
  subject: string
  roles: readonly string[]
  /** Good where it is absent. */
  standing?: PasswordStanding
  /** All that was granted, which a held person has again after the change of the password. */
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

/** Signs the tokens and puts the response together. */
export async function issueTokens(
  { subject, standing = GOOD_STANDING, issuedAt, session, ...granted }: Issuance,
  { client, api, context }: ClientRequest,
  { config, keys }: GrantServices,
): Promise<TokenResponse> {
  const key = await keys.current(context)
  const roles = standing.isHeld ? [] : granted.roles
  const scope = standing.isHeld ? NO_SCOPE : granted.scope
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
    mustChangePassword: standing.mustChange,
    passwordBreached: standing.isBreached,
    visitorId: session?.visitorId ?? null,
  }
  const [accessToken, refreshToken] = await Promise.all([
    issueAccessToken(access, key),
    session && config.refreshTokensEnabled ? issueRefreshToken({ ...common, ...session }, key) : null,
  ])
  return compact({
    token_type: 'Bearer',
    expires_in: expiresAt - context.now,
    access_token: accessToken,
    refresh_token: refreshToken ?? undefined,
    ...(scope.announce ? { scope: formatScope(scope.tokens) } : {}),
  })
}
