import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { Client } from '../clients/client.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { Services } from '../services/services.ts'
import { requestContext } from './request_context.ts'

const HEADERS_ALWAYS_ALLOWED = ['Content-Type', 'Authorization', 'DPoP']

/** The methods whose requests may be of any client. */
const NAMES_NO_CLIENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The headers that scripts can read. */
const EXPOSED_HEADERS = ['Age', 'DPoP-Nonce', 'ETag', 'Retry-After', 'WWW-Authenticate']

/**
 * Creates the CORS middleware of a path. It allows only exact origins. A preflight and a GET name no client, so the middleware
 * allows the origins in config.yml and those of every enabled client. For another method it allows the origins in config.yml, and
 * `allowClientOrigin` adds the origins of the authenticated client.
 *
 * @param methods The methods of the path.
 */
export function corsFor(
  services: Pick<Services, 'config' | 'clock' | 'origins'>,
  methods: readonly string[],
): MiddlewareHandler {
  const { allowOrigins, allowHeaders, preflightMaxAgeSeconds } = services.config.cors
  const fromConfig = new Set(allowOrigins)

  async function isAllowed(origin: string, c: Context): Promise<boolean> {
    if (fromConfig.has(origin)) return true
    if (!NAMES_NO_CLIENT.has(c.req.method) || origin === '') return false
    const origins = services.origins.findAll(requestContext(c, services.clock))
    return (await origins.catch((error) => allowNoOrigin(error, c))).has(origin)
  }

  const allow = cors({
    origin: async (origin, c) => ((await isAllowed(origin, c)) ? origin : null),
    allowMethods: [...methods],
    allowHeaders: [...HEADERS_ALWAYS_ALLOWED, ...allowHeaders],
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: preflightMaxAgeSeconds,
  })
  return async (c, next) => {
    const preflight = await allow(c, next)
    // The library sets Vary itself for a preflight.
    if (!preflight) c.header('Vary', 'Origin')
    return preflight
  }
}

/** If the origins of clients cannot be read, a GET succeeds, but no script can read it. @throws the other errors */
function allowNoOrigin(error: unknown, { req }: Context): ReadonlySet<string> {
  if (req.method === 'OPTIONS' || !(error instanceof StorageUnavailable)) throw error
  return new Set()
}

/** Lets scripts of the client's own origins read the response. The caller has authenticated the client. */
export function allowClientOrigin(c: Context, client: Client): void {
  const origin = c.req.header('Origin')
  if (origin !== undefined && client.origins.includes(origin)) c.header('Access-Control-Allow-Origin', origin)
}
