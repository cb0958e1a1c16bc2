import { isSecure } from '@sallyport/formats/secure_url'

export { isLoopback, isSecure } from '@sallyport/formats/secure_url'

/** Parses an exact http or https origin; null for other texts, such as a URL with a path. */
export function parseOrigin(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && /^https?:$/.test(url.protocol) && url.origin === text && !text.includes('*') ? url : null
}

/** Whether a text is the URL of a service that the server may call: a secure URL without user, query and fragment. */
export function isServiceUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && url.origin + url.pathname === text && isSecure(url)
}

/**
 * Finds the problem of a web origin for CORS; null for a valid origin. The rule applies to `cors.allow_origins` and to the
 * origins of a client.
 */
export function findOriginProblem(text: string): string | null {
  const origin = parseOrigin(text)
  if (origin === null) return 'must be an exact origin, such as https://shop.example.com'
  return isSecure(origin) ? null : 'must be https, unless it is a loopback address'
}
