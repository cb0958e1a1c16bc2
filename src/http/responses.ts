import type { Context } from 'hono'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { usesBasic } from '../oauth/client_authentication.ts'
import { describeRefusal, type ErrorDialect, formatError } from '../oauth/error_dialect.ts'
import { OAuthError, type Refusal, serverError, temporarilyUnavailable } from '../oauth/errors.ts'
import { responseHeaders } from './security_headers.ts'

const JSON_TYPE = 'application/json; charset=UTF-8'

/**
 * `Cache-Control` of every response that belongs to one caller, the pages of the console included. `no-transform` keeps
 * proxies from compressing or rewriting it (RFC 9111 §5.2.2.6).
 */
export const PRIVATE = 'no-store, no-transform'

/** Headers of every response that carries or refuses a token (RFC 6749 §5.1). */
const NO_STORE = { 'Cache-Control': PRIVATE, Pragma: 'no-cache' }

/** Refusals of requests whose path is not one of the server's endpoints. */
const HIDDEN_PATHS: ReadonlySet<Refusal['kind']> = new Set(['not_found', 'misdirected_request'])

/** How a response for anyone may be kept. */
export interface Caching {
  etag: string
  maxAgeSeconds: number
  /** The media type, where it is not JSON. */
  type?: string
  /** How old it is already (RFC 9111 §5.1); absent where it is as of now. */
  ageSeconds?: number
}

/**
 * Writes the responses of one server. Their headers are made once: to set each anew would cost more than the rest of an
 * answer from memory.
 */
export class Responses {
  readonly #common: Readonly<Record<string, string>>
  readonly #private: Headers
  readonly #dialect: ErrorDialect

  constructor({ issuer, errorDialect }: Pick<Config, 'issuer' | 'errorDialect'>) {
    this.#common = { ...responseHeaders(issuer), Vary: 'Origin' }
    this.#private = new Headers({ ...this.#common, ...NO_STORE, 'Content-Type': JSON_TYPE })
    this.#dialect = errorDialect
  }

  /** A JSON response that nobody may keep. */
  private(body: object, status = 200): Response {
    return new Response(JSON.stringify(body), { status, headers: this.#private })
  }

  /** Makes answers for anyone, to be kept for a time and asked for again by their ETag. */
  publisher(): (body: string, caching: Caching) => Response {
    let last: { key: string; headers: Headers } | null = null
    return (body, caching) => {
      const key = JSON.stringify(caching)
      if (last?.key !== key) last = { key, headers: this.#publicHeaders(caching) }
      return new Response(body, { headers: last.headers })
    }
  }

  #publicHeaders({ etag, maxAgeSeconds, type = JSON_TYPE, ageSeconds }: Caching): Headers {
    return new Headers(
      compact({
        ...this.#common,
        'Content-Type': type,
        'Cache-Control': `public, max-age=${maxAgeSeconds}`,
        ETag: etag,
        Age: ageSeconds === undefined ? undefined : String(ageSeconds),
      }),
    )
  }

  /** Writes whatever was thrown, in the one form that errors have. The cause goes to the log alone. */
  error({ req }: Context, thrown: unknown): Response {
    const { refusal, reason } = toOAuthError(thrown)
    const wire = describeRefusal(refusal, this.#dialect)
    log(wire.status >= 500 ? 'error' : 'info', 'refused', {
      // A path that is none of ours may hold anything, a token too.
      path: HIDDEN_PATHS.has(refusal.kind) ? null : req.path,
      status: wire.status,
      error: wire.error,
      reason,
    })
    const response = this.private(formatError(wire, this.#dialect), wire.status)
    for (const [name, value] of Object.entries(headersOf(refusal))) response.headers.set(name, value)
    if (wire.error === 'invalid_client' && usesBasic(req.header('Authorization'))) {
      response.headers.set('WWW-Authenticate', 'Basic realm="sallyport", charset="UTF-8"')
    }
    return response
  }
}

function headersOf(refusal: Refusal): Record<string, string> {
  return {
    ...(refusal.kind === 'method_not_allowed' ? { Allow: refusal.allow } : {}),
    ...('retryAfterSeconds' in refusal ? { 'Retry-After': String(refusal.retryAfterSeconds) } : {}),
  }
}

function toOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof StorageUnavailable) return temporarilyUnavailable(thrown.message)
  return serverError(describeError(thrown))
}
