import type { Context } from 'hono'
import { routePath } from 'hono/route'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { type ChallengeParameters, tokenChallenge } from '../oauth/bearer.ts'
import { usesBasic } from '../oauth/client_authentication.ts'
import { describeRefusal, type ErrorDialect, formatError, type WireError } from '../oauth/error_dialect.ts'
import { OAuthError, type Refusal, serverError, temporarilyUnavailable } from '../oauth/errors.ts'
import { responseHeaders } from './security_headers.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The format of the errors that the client of the request gets, known as soon as the client is found. */
    errorDialect?: ErrorDialect
  }
}

const JSON_TYPE = 'application/json; charset=UTF-8'

/**
 * `Cache-Control` of every response for one caller, including pages. `no-transform` forbids proxies to compress or rewrite it
 * (RFC 9111 §5.2.2.6).
 */
export const PRIVATE = 'no-store, no-transform'

/** Headers of every response that contains or refuses a token (RFC 6749 §5.1). */
const NO_STORE = { 'Cache-Control': PRIVATE, Pragma: 'no-cache' }

/** Refusals of requests whose path may not be an endpoint. */
const HIDDEN_PATHS: ReadonlySet<Refusal['kind']> = new Set(['not_found', 'misdirected_request'])

const BASIC_CHALLENGE = 'Basic realm="sallyport", charset="UTF-8"'

/** A refused request: the error for the caller, and the headers that the error needs in any format. */
export interface RefusedRequest {
  error: WireError
  headers: Readonly<Record<string, string>>
}

/** How a public response may be cached. */
export interface Caching {
  etag: string
  maxAgeSeconds: number
  /** The media type. The default is JSON. */
  type?: string
  /** The age of the content (RFC 9111 §5.1). Absent if it is current. */
  ageSeconds?: number
}

/**
 * Writes the responses of one server. The constructor creates the headers once, because that takes more time than the rest of
 * a response from memory.
 */
export class Responses {
  readonly #common: Readonly<Record<string, string>>
  readonly #private: Headers
  readonly #dialect: ErrorDialect
  readonly #issuer: string

  constructor({ issuer, errorDialect }: Pick<Config, 'issuer' | 'errorDialect'>) {
    this.#common = { ...responseHeaders(issuer), Vary: 'Origin' }
    this.#private = new Headers({ ...this.#common, ...NO_STORE, 'Content-Type': JSON_TYPE })
    this.#dialect = errorDialect
    this.#issuer = issuer
  }

  /** A JSON response that no cache stores. */
  private(body: object, status = 200): Response {
    return new Response(JSON.stringify(body), { status, headers: this.#private })
  }

  /** A response without content that no cache stores. */
  empty(): Response {
    const response = new Response(null, { status: 204, headers: this.#private })
    response.headers.delete('Content-Type')
    return response
  }

  /** Creates a function that writes public responses. Caches store them and revalidate them by their ETag. */
  publisher(): (body: string, caching: Caching) => Response {
    let last: { key: string; headers: Headers } | null = null
    return (body, caching) => {
      const key = JSON.stringify(caching)
      if (last?.key !== key) last = { key, headers: this.#publicHeaders(caching) }
      return new Response(body, { headers: last.headers })
    }
  }

  /** The format of the errors of a request: that of its client, as soon as the client is known. */
  #dialectOf(c: Context): ErrorDialect {
    return c.get('errorDialect') ?? this.#dialect
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

  /** A JSON response with the error of a refusal and further members. It logs nothing, because the request is a normal step. */
  refusal(c: Context, refusal: Refusal, members: object): Response {
    const dialect = this.#dialectOf(c)
    const wire = describeRefusal(refusal, dialect)
    return this.private({ ...formatError(wire, dialect), ...members }, wire.status)
  }

  /** Writes the JSON response to an error (RFC 6749 §5.2). */
  error(c: Context, thrown: unknown): Response {
    const { error, headers } = this.refuse(c, thrown)
    const response = this.private(formatError(error, this.#dialectOf(c)), error.status)
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    return response
  }

  /** Describes an error for the caller and logs it. Only the log has the exact reason. */
  refuse(c: Context, thrown: unknown): RefusedRequest {
    const { req } = c
    const { refusal, reason } = toOAuthError(thrown)
    const wire = describeRefusal(refusal, this.#dialectOf(c))
    log(wire.status >= 500 ? 'error' : 'info', 'refused', {
      // An unknown path may contain a token, and so may a parameter of a path.
      path: HIDDEN_PATHS.has(refusal.kind) ? null : routePath(c),
      status: wire.status,
      error: wire.error,
      reason,
    })
    const headers = compact({
      Allow: refusal.kind === 'method_not_allowed' ? refusal.allow : undefined,
      'DPoP-Nonce': refusal.kind === 'use_dpop_nonce' ? refusal.nonce : undefined,
      'Retry-After': 'retryAfterSeconds' in refusal ? String(refusal.retryAfterSeconds) : undefined,
      'WWW-Authenticate': challengeOf(refusal, wire, { req, issuer: this.#issuer }),
    })
    return { error: wire, headers }
  }
}

/** The challenge of a refused authentication (RFC 9110 §11.6.1); undefined for another refusal. */
function challengeOf(
  refusal: Refusal,
  { error }: WireError,
  { req, issuer }: { req: Context['req']; issuer: string },
): string | undefined {
  const challenge = (parameters: ChallengeParameters = {}) =>
    tokenChallenge(req.header('Authorization'), issuer, parameters)
  if (refusal.kind === 'missing_access_token') return challenge()
  if (refusal.kind === 'invalid_access_token') return challenge({ error })
  if (refusal.kind === 'insufficient_scope') return challenge({ error, scope: refusal.scope })
  if (refusal.kind === 'insufficient_user_authentication') {
    const { acrValues, maxAgeSeconds } = refusal
    const acr_values = acrValues ?? undefined
    const max_age = maxAgeSeconds === null ? undefined : String(maxAgeSeconds)
    return challenge(compact({ error, acr_values, max_age }))
  }
  return error === 'invalid_client' && usesBasic(req.header('Authorization')) ? BASIC_CHALLENGE : undefined
}

function toOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof StorageUnavailable) return temporarilyUnavailable(thrown.message)
  return serverError(describeError(thrown))
}
