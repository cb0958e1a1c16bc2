import type { MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

type Options = NonNullable<Parameters<typeof secureHeaders>[0]>

/** A year, of this host alone: whether the hosts below it have https is not known here (RFC 6797 §6.1). */
const HSTS = 'max-age=31536000'

/** What the library sends beside it, for browsers that are gone or for documents with scripts. */
const LEFT_OUT: Options = {
  originAgentCluster: false,
  removePoweredBy: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}

/** An answer is data: whoever gets a browser to show it, embed it or run it gets nothing. */
const OF_ANSWERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  // It holds up what CORS is not asked about, such as <script src>. A page that CORS lets read is not looked at by it.
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** The names of all that an answer may have, in lower case. */
export const PROTECTIVE_HEADERS = [...Object.keys(OF_ANSWERS), 'Strict-Transport-Security'].map((name) =>
  name.toLowerCase(),
)

/** There is no script, and no style that is not in the one stylesheet. */
const OF_PAGES: Options = {
  ...LEFT_OUT,
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
  crossOriginOpenerPolicy: 'same-origin',
  crossOriginResourcePolicy: 'same-origin',
  // Not no-referrer: browsers would send `Origin: null` with each form.
  referrerPolicy: 'same-origin',
  xFrameOptions: 'DENY',
}

/** What tells browsers to make nothing of an answer that it is not. */
export function answerHeaders(issuer: string): Record<string, string> {
  const hsts = hstsOf(issuer)
  return { ...OF_ANSWERS, ...(hsts === false ? {} : { 'Strict-Transport-Security': hsts }) }
}

/** The same for answers that others make, errors and preflights included. */
export function protectAnswers(issuer: string): MiddlewareHandler {
  const headers = Object.entries(answerHeaders(issuer))
  return async (c, next) => {
    await next()
    for (const [name, value] of headers) c.res.headers.set(name, value)
  }
}

/** The same for the pages of the console. */
export function protectPages(issuer: string): MiddlewareHandler {
  return secureHeaders({ ...OF_PAGES, strictTransportSecurity: hstsOf(issuer) })
}

/** The issuer says what callers use, which a request does not where TLS ends before the Worker. */
function hstsOf(issuer: string): string | false {
  return issuer.startsWith('https:') ? HSTS : false
}
