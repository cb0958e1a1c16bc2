import type { Context, Hono } from 'hono'
import { corsFor } from '../http/cors.ts'
import { catchErrors, type Handler, limitBody, revalidate, when, wrap } from '../http/handlers.ts'
import type { Responses } from '../http/responses.ts'
import { protectResponses } from '../http/security_headers.ts'
import { methodNotAllowed } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import type { CreateHandler, Endpoint } from './endpoint.ts'

interface Shared {
  services: Services
  responses: Responses
}

/** Adds the routes of the configured endpoints to an app. Other methods of their paths get 405 with `Allow` (RFC 9110 §15.5.6). */
export function addEndpoints(app: Hono, endpoints: readonly Endpoint[], shared: Shared): void {
  const { config } = shared.services
  for (const endpoint of endpoints) if (endpoint.isIn?.(config) ?? true) addEndpoint(app, endpoint, shared)
}

function addEndpoint(app: Hono, { path, format, methods }: Endpoint, { services, responses }: Shared): void {
  const allowed = allowedMethods(methods, format.cors)
  const cors = corsFor(services, allowed)
  const open = (handler: Handler, isCorsRequest: (c: Context) => boolean): Handler =>
    format.cors ? when(isCorsRequest, cors, handler) : handler
  const writeError = (c: Context, thrown: unknown) => format.writeError(c, thrown, responses)
  const add = (method: string, create: CreateHandler) => {
    const handler = create(services, responses)
    const bounded = method === 'GET' ? revalidate(handler) : countInFlight(services, limitBody(handler))
    app.on(method, path, open(catchErrors(bounded, writeError), isFromPage))
  }
  for (const [method, create] of Object.entries(methods)) add(method, create)
  const refuse: Handler = (c) => writeError(c, methodNotAllowed(allowed.join(', ')))
  const isCorsRequest = (c: Context) => c.req.method === 'OPTIONS' || isFromPage(c)
  const refuseOrPreflight = open(refuse, isCorsRequest)
  // The CORS library creates the response to a preflight, without these headers.
  const protect = protectResponses(services.config.issuer)
  app.all(path, format.cors ? wrap(protect, refuseOrPreflight) : refuseOrPreflight)
}

/** The methods of a path, in the order of the `Allow` header. A path with CORS also has OPTIONS. */
function allowedMethods(methods: Endpoint['methods'], hasCors: boolean): readonly string[] {
  const named = (['GET', 'POST', 'PATCH', 'DELETE'] as const).filter((method) => methods[method])
  const withHead = named.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return hasCors ? [...withHead, 'OPTIONS'] : withHead
}

/** Counts a request while it runs. It does not count a GET: most GETs are served from memory in one turn of the event loop. */
function countInFlight({ inFlight }: Services, handler: Handler): Handler {
  return (c) => inFlight.during(() => handler(c))
}

/** Whether a script sent the request: browsers then send `Origin`. */
export function isFromPage(c: Context): boolean {
  return c.req.header('Origin') !== undefined
}
