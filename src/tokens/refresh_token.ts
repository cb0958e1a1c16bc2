import type { KeyRing } from '../keys/key_ring.ts'
import type { SigningKey } from '../keys/signing_key.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { invalidRefreshToken, type OAuthError } from '../oauth/errors.ts'
import { type ClaimValues, formatClaims, type SessionClaims } from './claims.ts'
import { InvalidToken } from './invalid_token.ts'
import { signToken } from './sign_token.ts'
import { ExpiredToken, verifyToken } from './verify_token.ts'

/** The `typ` of a refresh token. An API refuses this type, and also the token's audience, which is the issuer. */
export const REFRESH_TOKEN_TYPE = 'rt+jwt'

/** The values of a refresh token. `seq` is its number in the session, from 0. `scope` is the scope of the session. */
export type RefreshTokenValues = Omit<ClaimValues, 'audience' | 'jti'> & {
  sid: string
  seq: number
  /** The name of the API of the session. */
  api: string
}

/** The claims of a refresh token. They always name a session. */
export type RefreshTokenClaims = SessionClaims & { seq: number }

/** Signs a refresh token. Its `jti` is made of `sid` and `seq`, so that a retry gets the same `jti`. */
export function issueRefreshToken(values: RefreshTokenValues, key: SigningKey): Promise<string> {
  const own = { audience: values.issuer, jti: `${values.sid}.${values.seq}` }
  return signToken(formatClaims({ ...values, ...own }, 'refresh_token'), REFRESH_TOKEN_TYPE, key)
}

/**
 * Verifies a refresh token of this server and returns its claims.
 *
 * @throws OAuthError invalid_grant for any other token. If an own token has expired, the error names its session.
 * @throws StorageUnavailable
 */
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
  if (sid === null || seq === null)
    throw invalidRefreshToken('the token names no session', { cause: 'invalid_token' })
  return { ...claims, sid, seq }
}

function refuse(error: InvalidToken): OAuthError {
  if (!(error instanceof ExpiredToken)) return invalidRefreshToken(error.message, { cause: 'invalid_token' })
  const { subject, sid } = error.claims
  const holder = sid === null ? { subject } : { subject, sid }
  return invalidRefreshToken(error.message, { ...holder, cause: 'expired_token' })
}
