import type { MiddlewareHandler } from 'hono'
import { PRIVATE } from '../http/responses.ts'
import { hstsOf } from '../http/security_headers.ts'
import { formatContentPolicy, OWN_ORIGIN_ONLY } from './content_policy.ts'

const PAGE_HEADERS = {
  'Cache-Control': PRIVATE,
  'Content-Security-Policy': formatContentPolicy(OWN_ORIGIN_ONLY),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // With `no-referrer`, browsers send `Origin: null` with each form.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** Adds the protective headers of pages to each response. It keeps the headers that the response has already. */
export function protectPages(issuer: string): MiddlewareHandler {
  const headers = Object.entries({ ...PAGE_HEADERS, ...hstsOf(issuer) })
  return async (c, next) => {
    await next()
    for (const [name, value] of headers) {
      if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    }
  }
}
