import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { ADMIN_PATH, createAdminApp } from './admin/admin_app.ts'
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
  const { adminApi } = services.config
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
