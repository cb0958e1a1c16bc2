import type { JWTPayload } from 'jose'
import { invalidToken } from './token_error.ts'

/** What a verified access token says. Times are Unix seconds. */
export interface AccessTokenClaims {
  issuer: string
  audience: string
  /** The person's immutable id, `visitor:<id>` of a guest, or the client's id of its own token. */
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  jti: string
  /** The session; null for a client's own token. */
  sid: string | null
  scope: readonly string[]
  roles: readonly string[]
  /** The guest that this customer was before signing in: whose cart to merge. Null where there was none. */
  visitorId: string | null
  /** Whether this is an anonymous visitor. */
  isGuest: boolean
  /** Whether the user must set a new password first. */
  mustChangePassword: boolean
  /** Whether the password of the user is in a list of known breaches. */
  passwordBreached: boolean
}

/** Takes the claims out of a payload whose signature, issuer, audience and times were verified. @throws TokenError */
export function decodeClaims(payload: JWTPayload): AccessTokenClaims {
  const subject = requireText(payload, 'sub')
  const roles = payload.roles ?? []
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
    throw invalidToken('its roles are not a list of names')
  }
  return {
    issuer: requireText(payload, 'iss'),
    audience: requireText(payload, 'aud'),
    subject,
    clientId: requireText(payload, 'client_id'),
    issuedAt: requireTime(payload, 'iat'),
    expiresAt: requireTime(payload, 'exp'),
    jti: requireText(payload, 'jti'),
    sid: findText(payload, 'sid'),
    scope: findText(payload, 'scope')?.split(' ').filter(Boolean) ?? [],
    roles,
    visitorId: findText(payload, 'visitor_id'),
    isGuest: subject.startsWith('visitor:'),
    mustChangePassword: findFlag(payload, 'must_change_password'),
    passwordBreached: findFlag(payload, 'password_breached'),
  }
}

function findText(payload: JWTPayload, name: string): string | null {
  const value = payload[name]
  if (value !== undefined && typeof value !== 'string') throw invalidToken(`its ${name} is not text`)
  return value ?? null
}

function findFlag(payload: JWTPayload, name: string): boolean {
  const value = payload[name] ?? false
  if (typeof value !== 'boolean') throw invalidToken(`its ${name} is not true or false`)
  return value
}

function requireText(payload: JWTPayload, name: string): string {
  const value = findText(payload, name)
  if (!value) throw invalidToken(`it has no ${name}`)
  return value
}

function requireTime(payload: JWTPayload, name: string): number {
  const value = payload[name]
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalidToken(`its ${name} is not a whole second`)
  return value
}
