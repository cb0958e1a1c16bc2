import type { RedirectOptions } from './options.ts'

/** The demands of an API for the sign-in, as options of `signInWithRedirect`. */
export type StepUp = Pick<RedirectOptions, 'acrValues' | 'maxAgeSeconds'>

/**
 * Reads the demands of an API that needs a newer sign-in or a second factor (RFC 9470 §3). An API of another origin must expose the
 * header `WWW-Authenticate` (CORS).
 *
 * @returns null for any other response
 */
export function readStepUp({ status, headers }: Response): StepUp | null {
  const challenge = headers.get('WWW-Authenticate') ?? ''
  if (status !== 401 || find(challenge, 'error') !== 'insufficient_user_authentication') return null
  const acrValues = find(challenge, 'acr_values')
  const maxAge = find(challenge, 'max_age')
  return { ...(acrValues && { acrValues }), ...(maxAge && { maxAgeSeconds: Number(maxAge) }) }
}

/** The value of a parameter of a challenge. `max_age` can be a token or a quoted text. */
function find(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="?([^",]+)`).exec(challenge)?.[1]
}
