import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { describeRefusal, type ErrorDialect, formatError } from '../oauth/error_dialect.ts'
import { OAuthError, serverError, temporarilyUnavailable } from '../oauth/errors.ts'

const JSON_TYPE = 'application/json; charset=UTF-8'

/** For every answer that carries or refuses a token (RFC 6749 §5.1). */
const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

/** A JSON answer that nobody may keep. */
export function respondPrivately(c: Context, body: object, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(body), status, { 'Content-Type': JSON_TYPE, ...NO_STORE })
}

/** How an answer for anyone may be kept. */
interface Caching {
  etag: string
  maxAgeSeconds: number
  /** The media type, where it is not JSON. */
  type?: string
}

/** An answer for anyone, to be kept for that long and asked for again by its ETag. */
export function respondPublicly(c: Context, body: string, { etag, maxAgeSeconds, type }: Caching): Response {
  const caching = { 'Cache-Control': `public, max-age=${maxAgeSeconds}`, ETag: etag }
  return c.body(body, 200, { 'Content-Type': type ?? JSON_TYPE, ...caching })
}

/** Writes whatever was thrown, in the one form that errors have. The cause goes to the log alone. */
export function respondWithError(c: Context, thrown: Error, dialect: ErrorDialect): Response {
  const { refusal, reason } = toOAuthError(thrown)
  const wire = describeRefusal(refusal, dialect)
  log(wire.status >= 500 ? 'error' : 'info', 'refused', {
    // A path that is none of ours may hold anything, a token too.
    path: refusal.kind === 'not_found' ? null : c.req.path,
    status: wire.status,
    error: wire.error,
    reason,
  })
  if (refusal.kind === 'method_not_allowed') c.header('Allow', refusal.allow)
  if ('retryAfterSeconds' in refusal) c.header('Retry-After', String(refusal.retryAfterSeconds))
  if (wire.error === 'invalid_client' && c.req.header('Authorization') !== undefined) {
    c.header('WWW-Authenticate', 'Basic realm="sallyport", charset="UTF-8"')
  }
  return respondPrivately(c, formatError(wire, dialect), wire.status as ContentfulStatusCode)
}

function toOAuthError(thrown: Error): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof StorageUnavailable) return temporarilyUnavailable(thrown.message)
  return serverError(describeError(thrown))
}
