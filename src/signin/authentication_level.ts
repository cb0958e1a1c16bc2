/** The level of an authentication with one factor, and with two (RFC 9470 §3, the values of `acr`). */
export const ONE_FACTOR = 'urn:sallyport:1'
export const TWO_FACTORS = 'urn:sallyport:2'

/** The levels, the lowest first. */
export const ACR_VALUES = [ONE_FACTOR, TWO_FACTORS] as const

/** The number of proven factors. */
export type AcrLevel = 1 | 2

/** The level of an `acr`. A token or a browser session without one has level 1. */
export function levelOf(acr: string | null): AcrLevel {
  return acr === TWO_FACTORS ? 2 : 1
}
