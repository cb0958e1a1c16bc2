import type { MiddlewareHandler } from 'hono'

/** One year, for this host only: its subdomains may not support https (RFC 6797 §6.1). */
const HSTS = 'max-age=31536000'

/** Headers of responses that are data. Browsers must not show, embed or run them. */
const OF_DATA = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  // This header blocks requests without CORS, such as <script src>. It does not affect requests with CORS.
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** The names of the security headers, in lower case. */
export const PROTECTIVE_HEADERS = [...Object.keys(OF_DATA), 'Strict-Transport-Security'].map((name) =>
  name.toLowerCase(),
)

/** The security headers of responses that are data. */
export function responseHeaders(issuer: string): Record<string, string> {
  return { ...OF_DATA, ...hstsOf(issuer) }
}

/** Middleware that sets the security headers on responses that the library makes, such as preflights. */
export function protectResponses(issuer: string): MiddlewareHandler {
  return setAlways(responseHeaders(issuer))
}

/** HSTS depends on the scheme of the issuer. The URL of a request may be http if TLS ends before the Worker. */
export function hstsOf(issuer: string): Record<string, string> {
  return issuer.startsWith('https:') ? { 'Strict-Transport-Security': HSTS } : {}
}

function setAlways(headers: Record<string, string>): MiddlewareHandler {
  const entries = Object.entries(headers)
  return async (c, next) => {
    await next()
    for (const [name, value] of entries) c.res.headers.set(name, value)
  }
}
