import { type Context, Hono } from 'hono'
import { createAccountApp } from './account/account_app.tsx'
import { ACCOUNT_API_PATH, createAccountApi } from './account/api/account_api.ts'
import { ADMIN_PATH, createAdminApp, OPENAPI_PATH } from './admin/admin_app.ts'
import { createBrowserApp } from './browser/browser_app.tsx'
import { BROWSER_PATH, PAGE_PATHS } from './browser/browser_path.ts'
import { ACCOUNT_PAGES_PATH } from './config/account_path.ts'
import { isLoopback } from './config/origin.ts'
import { createConsole } from './console/console_app.tsx'
import { CONSOLE_PATH } from './console/console_path.ts'
import { addEndpoints, isFromPage } from './endpoints/add_endpoints.ts'
import { challengeEndpoint } from './endpoints/challenge.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import { healthEndpoint, readinessEndpoint } from './endpoints/health.ts'
import { describeHome, HOME_PATH, homeEndpoint, type OperatorPaths, prefersHtml } from './endpoints/home.ts'
import { createHomePage, HOME_FILES_PATH } from './endpoints/home_page.tsx'
import { createInboxPage } from './endpoints/inbox_page.tsx'
import { introspectEndpoint } from './endpoints/introspect.ts'
import { jwksEndpoint } from './endpoints/jwks.ts'
import { metadataEndpoints } from './endpoints/metadata.ts'
import { parEndpoint } from './endpoints/par.ts'
import { relatedOriginsEndpoint } from './endpoints/related_origins.ts'
import { revocationsEndpoint } from './endpoints/revocations.ts'
import { revokeEndpoint } from './endpoints/revoke.ts'
import { tokenEndpoint } from './endpoints/token.ts'
import { userinfoEndpoint } from './endpoints/userinfo.ts'
import { corsFor } from './http/cors.ts'
import { when, wrap } from './http/handlers.ts'
import { Responses } from './http/responses.ts'
import { protectResponses } from './http/security_headers.ts'
import { INBOX_PATH } from './mail/inbox_path.ts'
import { misdirectedRequest, notFound } from './oauth/errors.ts'
import type { Services } from './services/services.ts'

const OPERATOR_PATHS: OperatorPaths = { console: CONSOLE_PATH, adminApi: `${ADMIN_PATH}${OPENAPI_PATH}` }

/** Every endpoint except the admin API and the console. */
export const ENDPOINTS: readonly Endpoint[] = [
  tokenEndpoint,
  revokeEndpoint,
  introspectEndpoint,
  userinfoEndpoint,
  parEndpoint,
  challengeEndpoint,
  jwksEndpoint,
  revocationsEndpoint,
  ...metadataEndpoints,
  relatedOriginsEndpoint,
  healthEndpoint,
  readinessEndpoint,
  homeEndpoint(OPERATOR_PATHS),
]

const HEALTH_PATHS: ReadonlySet<string> = new Set([healthEndpoint.path, readinessEndpoint.path])

/** Handles the requests of one isolate. */
export type App = Pick<Hono, 'fetch'>

/** Creates the server from the services of one isolate. */
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
 * Whether a request has the scheme and the host of the issuer. Only health checks may have other ones. The server ignores
 * headers such as `X-Forwarded-Proto`, because a caller can send any value.
 */
function isForIssuer(url: string, issuer: string): boolean {
  return url.startsWith(`${issuer}/`) || HEALTH_PATHS.has(new URL(url).pathname)
}

/** Creates an app that responds to each request with 421 (RFC 9110 §15.5.20). */
function refuseAll({ config }: Services): App {
  const responses = new Responses(config)
  return new Hono().all('*', (c) => responses.error(c, misdirectedRequest()))
}

/** Creates every route of the server. The routes do not check the host. */
export function createRoutes(services: Services): Hono {
  const app = new Hono()
  const { adminApi } = services.config
  if (adminApi) {
    addConsole(app, services)
    app.route(ADMIN_PATH, createAdminApp(services, adminApi))
  }
  addBrowserPages(app, services)
  addHomePage(app, services)
  addInboxPage(app, services)
  const responses = new Responses(services.config)
  addEndpoints(app, ENDPOINTS, { services, responses })
  // A preflight for an unknown path gets 404 like every method, because the path has no methods to allow.
  const isReadable = (c: Context) => c.req.method !== 'OPTIONS' && isFromPage(c)
  const refuse = when(isReadable, corsFor(services, []), (c) => responses.error(c, notFound()))
  app.notFound(wrap(protectResponses(services.config.issuer), refuse))
  app.onError((error, c) => responses.error(c, error))
  return app
}

function addConsole(app: Hono, services: Services): void {
  const { consoleSealer: sealer, config, clock } = services
  const server: Parameters<typeof createConsole>[0]['server'] = (request, { env, executionCtx }) =>
    app.fetch(request, env, executionCtx)
  addAtFirstRequest(app, [`${CONSOLE_PATH}/*`], () => createConsole({ server, sealer, config, clock }))
}

/** Adds the pages of the browser flows, the account pages and their JSON API. */
function addBrowserPages(app: Hono, services: Services): void {
  const browserPaths = PAGE_PATHS.map((path) => BROWSER_PATH + path)
  addAtFirstRequest(app, browserPaths, () => createBrowserApp(services))
  // The paths of the API are below those of the pages.
  const apiPaths = [ACCOUNT_API_PATH, `${ACCOUNT_API_PATH}/*`]
  addAtFirstRequest(app, apiPaths, () => createAccountApi(services))
  const accountPaths = [ACCOUNT_PAGES_PATH, `${ACCOUNT_PAGES_PATH}/*`]
  addAtFirstRequest(app, accountPaths, () => createAccountApp(services))
}

/** Adds the paths of an app. The first request for one of them creates the app, so that token requests do not wait for it. */
function addAtFirstRequest(app: Hono, paths: readonly string[], create: () => Hono): void {
  let made: Hono | null = null
  for (const path of paths) {
    app.all(path, (c) => {
      made ??= create()
      return made.fetch(c.req.raw, c.env, c.executionCtx)
    })
  }
}

/** Adds the page for browsers. It is created at its first request. */
function addHomePage(app: Hono, { config }: Services): void {
  let made: Hono | null = null
  const serve = (c: Context) => {
    made ??= createHomePage(describeHome(config, OPERATOR_PATHS))
    return made.fetch(c.req.raw)
  }
  app.all(`${HOME_FILES_PATH}/*`, serve)
  app.get(HOME_PATH, (c, next) => (prefersHtml(c) ? serve(c) : next()))
}

/** Adds the page with the mails of a local server. Every other server responds as for an unknown path. */
function addInboxPage(app: Hono, { config, inbox }: Services): void {
  if (inbox === null) return
  let made: Hono | null = null
  for (const path of [INBOX_PATH, `${INBOX_PATH}/*`]) {
    app.all(path, (c, next) => {
      if (!isLoopback(c.req.url)) return next()
      made ??= createInboxPage(inbox, config)
      return made.fetch(c.req.raw)
    })
  }
}
