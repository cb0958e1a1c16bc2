import { isSecure } from '@sallyport/formats/secure_url'

export { isLoopback, isSecure } from '@sallyport/formats/secure_url'

/** An exact http or https origin as a URL; null for anything that has more or less than an origin. */
export function parseOrigin(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && /^https?:$/.test(url.protocol) && url.origin === text && !text.includes('*') ? url : null
}

/** Whether a text is the URL of a service that the server may call: secure, without user, query or fragment. */
export function isServiceUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && url.origin + url.pathname === text && isSecure(url)
}

/**
 * The reason why a text cannot be the origin of pages that read responses; null if it can. The one rule for
 * `cors.allow_origins` and for the origins of a client.
 */
export function findOriginProblem(text: string): string | null {
  const origin = parseOrigin(text)
  if (origin === null) return 'must be an exact origin, such as https://shop.example.com'
  return isSecure(origin) ? null : 'must be https, unless it is a loopback address'
}
