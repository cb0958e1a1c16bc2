import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { ADMIN_PATH, createAdminApp } from './admin/admin_app.ts'
import { createConsole } from './console/console_app.tsx'
import { CONSOLE_PATH } from './console/page.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import { healthEndpoint, readinessEndpoint } from './endpoints/health.ts'
import { introspectEndpoint } from './endpoints/introspect.ts'
import { jwksEndpoint } from './endpoints/jwks.ts'
import { metadataEndpoints } from './endpoints/metadata.ts'
import { revocationsEndpoint } from './endpoints/revocations.ts'
import { revokeEndpoint } from './endpoints/revoke.ts'
import { tokenEndpoint } from './endpoints/token.ts'
import { corsFor } from './http/cors.ts'
import { respondWithError } from './http/respond.ts'
import { protectAnswers } from './http/security_headers.ts'
import { bodyTooLarge, methodNotAllowed, notFound } from './oauth/errors.ts'
import type { Services } from './services.ts'

const ENDPOINTS: readonly Endpoint[] = [
  tokenEndpoint,
  revokeEndpoint,
  introspectEndpoint,
  jwksEndpoint,
  revocationsEndpoint,
  ...metadataEndpoints,
  healthEndpoint,
  readinessEndpoint,
]

const METHODS = { GET: ['GET', 'HEAD', 'OPTIONS'], POST: ['POST', 'OPTIONS'] } as const

const MAX_BODY_BYTES = 16 * 1024

/** The whole server, over the services of one isolate. */
export function createApp(services: Services): Hono {
  const app = new Hono()
  const { adminApi, issuer } = services.config
  // Its pages have headers of their own.
  if (adminApi) addConsole(app, services)
  app.use(protectAnswers(issuer))
  // Before CORS: no page of another origin may read it.
  if (adminApi) app.route(ADMIN_PATH, createAdminApp(services, adminApi))
  const cors = corsFor(services, methodsOf)
  // A path that is none of ours has no preflight either: 404.
  app.use((c, next) => (isUnknownPreflight(c.req) ? next() : cors(c, next)))
  for (const endpoint of ENDPOINTS) {
    const { method, path } = endpoint
    app.on(method, path, method === 'POST' ? limitBody() : revalidate(), endpoint.handler(services))
    app.all(path, () => {
      throw methodNotAllowed(METHODS[method].join(', '))
    })
  }
  app.notFound((c) => respondWithError(c, notFound(), services.config.errorDialect))
  app.onError((error, c) => respondWithError(c, error, services.config.errorDialect))
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

function isUnknownPreflight({ method, path }: { method: string; path: string }): boolean {
  return method === 'OPTIONS' && methodsOf(path).length === 0
}

function methodsOf(path: string): readonly string[] {
  const endpoint = ENDPOINTS.find((candidate) => candidate.path === path)
  return endpoint ? METHODS[endpoint.method] : []
}

function limitBody() {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw bodyTooLarge()
    },
  })
}

/** 304 where the caller has the answer already (RFC 9110 §13.1.2). */
function revalidate() {
  return etag({ retainedHeaders: [...RETAINED_304_HEADERS, 'age', 'access-control-allow-origin'] })
}
