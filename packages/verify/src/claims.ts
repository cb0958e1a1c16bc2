import * as formats from './claim_formats.ts'

/** The claims of a verified access token. Times are Unix seconds. A list is empty where the token has no such claim. */
export interface AccessTokenClaims {
  /** The `iss`. */
  issuer: string
  /** The `aud`: this API. */
  audience: string
  /** The `sub`: the immutable id of the user, `visitor:<id>` of a guest, or the id of the client for its own token. */
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  jti: string
  /** The session; null for a client's own token. */
  sid: string | null
  scope: readonly string[]
  roles: readonly string[]
  /** The guest that this customer was before the sign-in. The API merges that guest's cart. Null for other users. */
  visitorId: string | null
  /** When the user last proved their identity (`auth_time`); null if the token has no such claim. */
  authTime: number | null
  /** The methods of that proof (RFC 8176). */
  amr: readonly string[]
  /** The level of that proof (RFC 9470); null if the token has no such claim. */
  acr: string | null
  /** The thumbprint of the key that the token is bound to (`cnf.jkt`, RFC 9449 §6.1); null for a bearer token. */
  keyThumbprint: string | null
  /** Whether the user must set a new password first. */
  mustChangePassword: boolean
  /** Whether the password of the user is in a list of known breaches. */
  passwordBreached: boolean
  /** Whether the subject is a guest. */
  isGuest: boolean
  /** All claims of the token as JSON values, also those without a member here. */
  payload: Readonly<Record<string, unknown>>
}

/** The members that are claims. The other members are derived. */
export type ClaimValues = Omit<AccessTokenClaims, 'isGuest' | 'payload'>

interface ClaimDefinition<T> {
  /** The name in JSON. */
  name: string
  format: formats.ClaimFormat<T>
}

const { text, requiredText, time, scopeTokens, names, flag, keyConfirmation, optional } = formats

/** The name and the format of each claim. */
export const CLAIMS: { [M in keyof ClaimValues]: ClaimDefinition<ClaimValues[M]> } = {
  issuer: { name: 'iss', format: requiredText },
  audience: { name: 'aud', format: requiredText },
  subject: { name: 'sub', format: requiredText },
  clientId: { name: 'client_id', format: requiredText },
  issuedAt: { name: 'iat', format: time },
  expiresAt: { name: 'exp', format: time },
  jti: { name: 'jti', format: requiredText },
  sid: { name: 'sid', format: optional(text) },
  scope: { name: 'scope', format: scopeTokens },
  roles: { name: 'roles', format: names },
  visitorId: { name: 'visitor_id', format: optional(text) },
  authTime: { name: 'auth_time', format: optional(time) },
  amr: { name: 'amr', format: names },
  acr: { name: 'acr', format: optional(text) },
  keyThumbprint: { name: 'cnf', format: optional(keyConfirmation) },
  mustChangePassword: { name: 'must_change_password', format: flag },
  passwordBreached: { name: 'password_breached', format: flag },
}

/** Reads the claims of a payload whose signature, issuer, audience and times are verified. @throws Refusal */
export function decodeClaims(payload: Record<string, unknown>): AccessTokenClaims {
  const claims = Object.entries(CLAIMS).map(([member, { name, format }]) => [
    member,
    format.parse(payload[name], name),
  ])
  const values = Object.fromEntries(claims) as ClaimValues
  return { ...values, isGuest: values.subject.startsWith('visitor:'), payload }
}

/** The JSON claims of these values. An absent or null value has no claim. */
export function encodeClaims(values: Partial<ClaimValues>): Record<string, unknown> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(
    given.map(([member, value]) => {
      const { name, format }: ClaimDefinition<unknown> = CLAIMS[member as keyof ClaimValues]
      return [name, format.format(value)]
    }),
  )
}
