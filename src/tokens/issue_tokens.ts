import type { Client } from '../clients/client.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { compact } from '../lib/compact.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { formatScope, type GrantedScope, NO_SCOPE } from '../oauth/scope.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import { type PasswordState, VALID_PASSWORD } from '../users/password_state.ts'
import type { StoredUser } from '../users/user.ts'
import { issueAccessToken } from './access_token.ts'
import type { SessionFacts } from './claims.ts'
import { issueIdToken } from './id_token.ts'
import { identityClaims } from './identity_claims.ts'
import { issueRefreshToken } from './refresh_token.ts'

/** The holder and the rights of new tokens. Times are Unix seconds. */
export interface Issuance {
  client: Client
  /** The API that the tokens are for. */
  api: ApiConfig
  subject: string
  roles: readonly string[]
  /** The default is `VALID_PASSWORD`. */
  passwordState?: PasswordState
  /** The granted scope. A user with a restricted password state gets no scope until the password is changed. */
  scope: GrantedScope
  issuedAt: number
  /** The thumbprint of the key to which the access token is bound; null for a bearer token. */
  proofKey: string | null
  /** The user of an ID token. The default is null: no ID token, as for guests and clients. */
  user?: StoredUser | null
  /** The session of the tokens; null for a client's own token, which has no refresh token. */
  session: SessionState | null
}

/** The state of a session for its next tokens. */
export interface SessionState {
  facts: SessionFacts
  /** The number of the refresh token to be issued. */
  seq: number
  /** The scope of the session. A refresh token has all of it, even if the access token has less. */
  scope: readonly string[]
  /** Unix seconds. */
  expiresAt: number
  /** Whether the session has refresh tokens. */
  hasRefreshToken: boolean
  /** The refresh token that the client keeps; null for a new one. The default is null. */
  keptRefreshToken?: string | null
}

interface Dependencies {
  config: Pick<Config, 'issuer' | 'refreshTokensEnabled' | 'openIdEnabled'>
  keys: KeyRing
}

/** Signs the tokens and makes the response. @throws StorageUnavailable, CorruptRecord, SealingError */
export async function issueTokens(
  issuance: Issuance,
  services: Dependencies,
  context: RequestContext,
): Promise<TokenResponse> {
  const { config, keys } = services
  const { client, api, subject, passwordState = VALID_PASSWORD, issuedAt, session } = issuance
  const key = await keys.current(context)
  const scope = passwordState.isRestricted ? NO_SCOPE : issuance.scope
  const lifetimeEnd = issuedAt + lifetimesOf(client, api).accessTokenSeconds
  const expiresAt = Math.min(lifetimeEnd, session?.expiresAt ?? Infinity)
  const common = { issuer: config.issuer, subject, clientId: client.id, issuedAt }
  const access = {
    ...common,
    ...session?.facts,
    keyThumbprint: issuance.proofKey,
    audience: api.audience,
    expiresAt,
    scope: scope.tokens,
    roles: passwordState.isRestricted ? [] : issuance.roles,
    mustChangePassword: passwordState.mustChange,
    passwordBreached: passwordState.isBreached,
  }
  const hasRefreshToken = session?.hasRefreshToken && config.refreshTokensEnabled
  const [accessToken, refreshToken] = await Promise.all([
    issueAccessToken(access, key),
    hasRefreshToken
      ? (session.keptRefreshToken ??
        issueRefreshToken({ ...common, ...refreshValuesOf(session), api: api.name }, key))
      : null,
  ])
  const idToken = await issueIdTokenFor({ ...issuance, scope, accessToken }, services, context)
  return compact({
    token_type: issuance.proofKey === null ? 'Bearer' : 'DPoP',
    expires_in: expiresAt - context.now,
    access_token: accessToken,
    refresh_token: refreshToken ?? undefined,
    scope: scope.announce ? formatScope(scope.tokens) : undefined,
    id_token: idToken ?? undefined,
  })
}

/** Signs the ID token of a response with the scope `openid` (OpenID Connect Core §3.1.3.3, §12.2). */
async function issueIdTokenFor(
  { client, user = null, subject, scope, issuedAt, session, accessToken }: Issuance & { accessToken: string },
  { config, keys }: Dependencies,
  context: RequestContext,
): Promise<string | null> {
  if (user === null || session === null || !hasIdToken(scope.tokens, config)) return null
  const key = await keys.currentOf(client.idTokenAlgorithm, context)
  const common = { issuer: config.issuer, audience: client.id, subject, issuedAt }
  const values = { ...common, ...session.facts, ...identityClaims(user, scope.tokens) }
  return issueIdToken(values, accessToken, key)
}

/** Whether a user's response with the scope has an ID token. */
export function hasIdToken(
  scope: readonly string[],
  { openIdEnabled }: Pick<Config, 'openIdEnabled'>,
): boolean {
  return openIdEnabled && scope.includes('openid')
}

function refreshValuesOf({ facts, seq, scope, expiresAt }: SessionState) {
  return { ...facts, seq, scope, expiresAt }
}
