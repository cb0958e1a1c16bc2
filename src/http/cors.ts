import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { Client } from '../clients/client.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { Services } from '../services/services.ts'
import { requestContext } from './request_context.ts'

const HEADERS_ALWAYS_ALLOWED = ['Content-Type', 'Authorization']

/** What pages need of a response beside its body. */
const EXPOSED_HEADERS = ['Age', 'ETag', 'Retry-After']

/**
 * Cross-origin answers for exact origins alone. A preflight and a GET name no client, so they are allowed from every
 * origin in config.yml or of an enabled client; the response to a POST can be read from those in config.yml and, by
 * `allowClientOrigin`, from the client's own.
 *
 * @param methodsOf The methods that a path has.
 */
export function corsFor(
  services: Services,
  methodsOf: (path: string) => readonly string[],
): MiddlewareHandler {
  const { allowOrigins, allowHeaders, preflightMaxAgeSeconds } = services.config.cors
  const fromConfig = new Set(allowOrigins)

  async function isAllowed(origin: string, c: Context): Promise<boolean> {
    if (fromConfig.has(origin)) return true
    if (c.req.method === 'POST' || origin === '') return false
    const origins = services.origins.findAll(requestContext(c, services.clock))
    return (await origins.catch((error) => readableByNone(error, c))).has(origin)
  }

  const allow = cors({
    origin: async (origin, c) => ((await isAllowed(origin, c)) ? origin : null),
    allowMethods: (_origin, c) => [...methodsOf(c.req.path)],
    allowHeaders: [...HEADERS_ALWAYS_ALLOWED, ...allowHeaders],
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: preflightMaxAgeSeconds,
  })
  return async (c, next) => {
    const preflight = await allow(c, next)
    // The library says it a second time.
    if (!preflight) c.header('Vary', 'Origin')
    return preflight
  }
}

/** A response to a GET does not fail for want of the origins: no page can read it then. @throws the error of any other */
function readableByNone(error: unknown, { req }: Context): ReadonlySet<string> {
  if (req.method === 'OPTIONS' || !(error instanceof StorageUnavailable)) throw error
  return new Set()
}

/** Lets a page of the client's own origins read the response, once the client is known. */
export function allowClientOrigin(c: Context, client: Client): void {
  const origin = c.req.header('Origin')
  if (origin !== undefined && client.origins.includes(origin)) c.header('Access-Control-Allow-Origin', origin)
}
