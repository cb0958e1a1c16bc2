import type { JWTPayload } from 'jose'
import type { SigningKey } from '../keys/signing_key.ts'
import { randomId } from '../lib/bytes.ts'
import { compact } from '../lib/compact.ts'
import { formatScope } from '../oauth/scope.ts'
import { signToken } from './sign_token.ts'

/** The media type of an access token (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'

/** What an access token is made of. Times are Unix seconds. */
export interface AccessTokenContent {
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
  /** The visitor that this customer was before signing in. */
  visitorId: string | null
  /** Whether the person is to set a new password. */
  mustChangePassword: boolean
  /** Whether a known breach has their password. */
  passwordBreached: boolean
}

/** Signs an access token. Claims that would be empty are left out. */
export function issueAccessToken(content: AccessTokenContent, key: SigningKey): Promise<string> {
  const { scope, roles } = content
  const payload: JWTPayload = compact({
    iss: content.issuer,
    aud: content.audience,
    sub: content.subject,
    client_id: content.clientId,
    iat: content.issuedAt,
    exp: content.expiresAt,
    jti: randomId(16),
    sid: content.sid ?? undefined,
    scope: scope.length === 0 ? undefined : formatScope(scope),
    roles: roles.length === 0 ? undefined : roles,
    visitor_id: content.visitorId ?? undefined,
    ...(content.mustChangePassword ? { must_change_password: true } : {}),
    ...(content.passwordBreached ? { password_breached: true } : {}),
  })
  return signToken(payload, ACCESS_TOKEN_TYPE, key)
}
