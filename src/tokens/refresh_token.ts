import type { JWTPayload } from 'jose'
import type { KeyRing } from '../keys/key_ring.ts'
import type { SigningKey } from '../keys/signing_key.ts'
import { compact } from '../lib/compact.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { invalidRefreshToken, type OAuthError } from '../oauth/errors.ts'
import { formatScope } from '../oauth/scope.ts'
import { signToken } from './sign_token.ts'
import { ExpiredToken, InvalidToken, type TokenClaims, verifyToken } from './verify_token.ts'

/** Keeps a refresh token from passing for an access token, beside its audience, which is the issuer. */
export const REFRESH_TOKEN_TYPE = 'rt+jwt'

/** What a refresh token is made of. Times are Unix seconds. */
export interface RefreshTokenContent {
  issuer: string
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  sid: string
  /** How many times the session was refreshed. */
  seq: number
  /** The whole scope of the session. */
  scope: readonly string[]
  /** The visitor that this customer was before signing in. */
  visitorId: string | null
}

/** What a refresh token says: its session is never missing. */
export type RefreshTokenClaims = TokenClaims & { sid: string; seq: number }

/** Signs a refresh token. Its `jti` is the session and its number, so the same successor has the same name. */
export function issueRefreshToken(content: RefreshTokenContent, key: SigningKey): Promise<string> {
  const payload: JWTPayload = compact({
    iss: content.issuer,
    aud: content.issuer,
    sub: content.subject,
    client_id: content.clientId,
    iat: content.issuedAt,
    exp: content.expiresAt,
    jti: `${content.sid}.${content.seq}`,
    sid: content.sid,
    scope: content.scope.length === 0 ? undefined : formatScope(content.scope),
    visitor_id: content.visitorId ?? undefined,
    seq: content.seq,
  })
  return signToken(payload, REFRESH_TOKEN_TYPE, key)
}

/** What a refresh token of ours says. @throws OAuthError invalid_grant for anything else, about nobody where it is none of ours */
export async function verifyRefreshToken(
  token: string,
  { keys, issuer }: { keys: Pick<KeyRing, 'find'>; issuer: string },
  context: RequestContext,
): Promise<RefreshTokenClaims> {
  const expected = { issuer, audience: issuer, type: REFRESH_TOKEN_TYPE }
  const claims = await verifyToken(token, expected, keys, context).catch((error: unknown) => {
    throw error instanceof InvalidToken ? refuse(error) : error
  })
  const { sid, seq } = claims
  if (sid === null || seq === null) throw invalidRefreshToken('it names no session')
  return { ...claims, sid, seq }
}

function refuse(error: InvalidToken): OAuthError {
  if (!(error instanceof ExpiredToken)) return invalidRefreshToken(error.message)
  const { subject, sid } = error.claims
  return invalidRefreshToken(error.message, sid === null ? { subject } : { subject, sid })
}
