import { type Context, Hono } from 'hono'
import { ADMIN_PATH, createAdminApp } from './admin/admin_app.ts'
import { createConsole } from './console/console_app.tsx'
import { CONSOLE_PATH } from './console/console_path.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import { healthEndpoint, readinessEndpoint } from './endpoints/health.ts'
import { introspectEndpoint } from './endpoints/introspect.ts'
import { jwksEndpoint } from './endpoints/jwks.ts'
import { metadataEndpoints } from './endpoints/metadata.ts'
import { revocationsEndpoint } from './endpoints/revocations.ts'
import { revokeEndpoint } from './endpoints/revoke.ts'
import { tokenEndpoint } from './endpoints/token.ts'
import { corsFor } from './http/cors.ts'
import { type Handler, limitBody, orError, revalidate, when, wrap } from './http/handlers.ts'
import { Responses } from './http/responses.ts'
import { protectResponses } from './http/security_headers.ts'
import { methodNotAllowed, misdirectedRequest, notFound, type OAuthError } from './oauth/errors.ts'
import type { Services } from './services/services.ts'

/** Every endpoint except the admin API and the console. */
export const ENDPOINTS: readonly Endpoint[] = [
  tokenEndpoint,
  revokeEndpoint,
  introspectEndpoint,
  jwksEndpoint,
  revocationsEndpoint,
  ...metadataEndpoints,
  healthEndpoint,
  readinessEndpoint,
]

const HEALTH_PATHS: ReadonlySet<string> = new Set([healthEndpoint.path, readinessEndpoint.path])

const METHODS = { GET: ['GET', 'HEAD', 'OPTIONS'], POST: ['POST', 'OPTIONS'] } as const

/** Answers the requests of one isolate. */
export type App = Pick<Hono, 'fetch'>

/** The whole server, over the services of one isolate. */
export function createApp(services: Services): App {
  const app = createRoutes(services)
  const { issuer } = services.config
  if (!issuer.startsWith('https:')) return app
  const misdirected = refuseAll(services)
  return {
    fetch: (request, env, context) =>
      (isForIssuer(request.url, issuer) ? app : misdirected).fetch(request, env, context),
  }
}

/**
 * Whether a request came to the issuer's own address: over the issuer's scheme and to its host. Only health checks may come
 * to another address. No header counts, because a caller can send any `X-Forwarded-Proto`.
 */
function isForIssuer(url: string, issuer: string): boolean {
  return url.startsWith(`${issuer}/`) || HEALTH_PATHS.has(new URL(url).pathname)
}

/** Answers every request with 421 (RFC 9110 §15.5.20). */
function refuseAll({ config }: Services): App {
  const responses = new Responses(config)
  return new Hono().all('*', (c) => responses.error(c, misdirectedRequest()))
}

/** Every route of the server, at any address. */
export function createRoutes(services: Services): Hono {
  const app = new Hono()
  const { adminApi } = services.config
  if (adminApi) {
    addConsole(app, services)
    app.route(ADMIN_PATH, createAdminApp(services, adminApi))
  }
  const responses = new Responses(services.config)
  const cors = corsFor(services, methodsOf)
  for (const { method, path, handler } of ENDPOINTS) {
    const handle = handler(services, responses)
    const bounded = method === 'POST' ? countInFlight(services, limitBody(handle)) : revalidate(handle)
    app.on(method, path, when(isFromPage, cors, orError(responses, bounded)))
  }
  const refuse = when(isForCors, cors, (c) => responses.error(c, refusalOf(c)))
  app.notFound(wrap(protectResponses(services.config.issuer), refuse))
  app.onError((error, c) => responses.error(c, error))
  return app
}

/** The console is made at its first request: whoever gets tokens need not wait for it. */
function addConsole(app: Hono, services: Services): void {
  let made: Hono | null = null
  app.all(`${CONSOLE_PATH}/*`, (c) => {
    made ??= createConsole({
      server: (request, { env, executionCtx }) => app.fetch(request, env, executionCtx),
      sealer: services.consoleSealer,
      config: services.config,
      clock: services.clock,
    })
    return made.fetch(c.req.raw, c.env, c.executionCtx)
  })
}

/** What is answered from memory is not counted: it takes one turn of the event loop. */
function countInFlight({ inFlight }: Services, handler: Handler): Handler {
  return (c) => inFlight.during(() => handler(c))
}

function isFromPage(c: Context): boolean {
  return c.req.header('Origin') !== undefined
}

/** What no route answers: a preflight of a path that is ours, or whatever a page asked for. */
function isForCors(c: Context): boolean {
  return c.req.method === 'OPTIONS' ? methodsOf(c.req.path).length > 0 : isFromPage(c)
}

function refusalOf(c: Context): OAuthError {
  const methods = methodsOf(c.req.path)
  return methods.length === 0 ? notFound() : methodNotAllowed(methods.join(', '))
}

function methodsOf(path: string): readonly string[] {
  const endpoint = ENDPOINTS.find((candidate) => candidate.path === path)
  return endpoint ? METHODS[endpoint.method] : []
}
