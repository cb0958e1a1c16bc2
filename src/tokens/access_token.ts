import { type JWTPayload, SignJWT } from 'jose'
import type { SigningKey } from '../keys/signing_key.ts'
import { randomId } from '../lib/bytes.ts'
import { formatScope } from '../oauth/scope.ts'

/** The media type of an access token (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'

/** What an access token says. Times are Unix seconds. */
export interface AccessTokenClaims {
  issuer: string
  audience: string
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  /** The session; null for a client's own token. */
  sid: string | null
  scope: readonly string[]
  roles: readonly string[]
}

/** Signs an access token. Claims that would be empty are left out. */
export function issueAccessToken(claims: AccessTokenClaims, key: SigningKey): Promise<string> {
  const { scope, roles } = claims
  const payload: JWTPayload = {
    iss: claims.issuer,
    aud: claims.audience,
    sub: claims.subject,
    client_id: claims.clientId,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti: randomId(16),
    ...(claims.sid === null ? {} : { sid: claims.sid }),
    ...(scope.length === 0 ? {} : { scope: formatScope(scope) }),
    ...(roles.length === 0 ? {} : { roles }),
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: ACCESS_TOKEN_TYPE })
    .sign(key.privateKey)
}
