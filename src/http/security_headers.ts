import type { MiddlewareHandler } from 'hono'

/** A year, of this host alone: whether the hosts below it have https is not known here (RFC 6797 §6.1). */
const HSTS = 'max-age=31536000'

/** A response is data: whoever gets a browser to show it, embed it or run it gets nothing. */
const OF_ANSWERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  // It holds up what CORS is not asked about, such as <script src>. A page that CORS lets read is not looked at by it.
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** The names of all that a response may have, in lower case. */
export const PROTECTIVE_HEADERS = [...Object.keys(OF_ANSWERS), 'Strict-Transport-Security'].map((name) =>
  name.toLowerCase(),
)

/** What tells browsers to make nothing of a response that it is not. */
export function responseHeaders(issuer: string): Record<string, string> {
  return { ...OF_ANSWERS, ...hstsOf(issuer) }
}

/** The same for answers that others make, errors and preflights included. */
export function protectResponses(issuer: string): MiddlewareHandler {
  return setAlways(responseHeaders(issuer))
}

/** The issuer says what callers use, which a request does not where TLS ends before the Worker. */
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
