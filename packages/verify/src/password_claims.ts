import type { AccessTokenClaims } from './claims.ts'
import { passwordChangeRequired } from './refusal.ts'

/** The verifier refuses a token with one of these claims, unless the API accepts the claim. */
export const PASSWORD_CLAIMS = ['must_change_password', 'password_breached'] as const
export type PasswordClaim = (typeof PASSWORD_CLAIMS)[number]

/** @throws TypeError for a name that is not in PASSWORD_CLAIMS */
export function requirePasswordClaims(names: unknown): readonly PasswordClaim[] {
  const known: readonly unknown[] = PASSWORD_CLAIMS
  if (Array.isArray(names) && names.every((name) => known.includes(name))) return names
  throw new TypeError(`accept must be a list of ${PASSWORD_CLAIMS.map((name) => `'${name}'`).join(' and ')}`)
}

/** @throws Refusal 403 if the token has a claim that is not accepted */
export function checkPassword(claims: AccessTokenClaims, accepted: readonly PasswordClaim[]): void {
  const present = {
    must_change_password: claims.mustChangePassword,
    password_breached: claims.passwordBreached,
  }
  const refused = PASSWORD_CLAIMS.find((name) => present[name] && !accepted.includes(name))
  if (refused !== undefined) throw passwordChangeRequired(refused)
}
