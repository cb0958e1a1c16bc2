import type { AccessTokenClaims } from './claims.ts'
import { insufficientAuthentication } from './refusal.ts'

/** The sign-in that an API requires of the user (RFC 9470). */
export interface AuthenticationOptions {
  /** The accepted levels: the `acr` of the token must be one of them. Absent: any level. */
  acrValues?: readonly string[] | undefined
  /** The longest time since the user proved who they are. Absent: any time. */
  maxAgeSeconds?: number | undefined
}

/** Text without spaces and quotes, which would break the challenge that contains it. */
const ACR_VALUE = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** @throws TypeError if an option is invalid */
export function requireAuthenticationOptions({ acrValues, maxAgeSeconds }: AuthenticationOptions): void {
  const isList =
    acrValues === undefined ||
    (Array.isArray(acrValues) && acrValues.length > 0 && acrValues.every((value) => ACR_VALUE.test(value)))
  if (!isList) throw new TypeError('acrValues must be a list of levels without spaces and quotes')
  if (maxAgeSeconds !== undefined && !(Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= 0))
    throw new TypeError('maxAgeSeconds must be a whole number of seconds')
}

/**
 * Checks the level and the age of the sign-in. A token without these claims, such as that of a guest, has neither.
 *
 * @param now Unix seconds, after the accepted difference of clocks was subtracted.
 * @throws Refusal 401 with the challenge of RFC 9470 §3
 */
export function checkAuthentication(
  { acr, authTime }: Pick<AccessTokenClaims, 'acr' | 'authTime'>,
  options: AuthenticationOptions,
  now: number,
): void {
  const { acrValues, maxAgeSeconds } = options
  const isLevel = acrValues === undefined || (acr !== null && acrValues.includes(acr))
  const isRecent = maxAgeSeconds === undefined || (authTime !== null && authTime + maxAgeSeconds >= now)
  if (!isLevel || !isRecent) throw insufficientAuthentication(options)
}
