import { type Context, Hono } from 'hono'
import { ADMIN_PATH, OPENAPI_PATH } from './admin/admin_path.ts'
import { createBrowserApp } from './browser/browser_app.tsx'
import { BROWSER_PATH, PAGE_PATHS } from './browser/browser_path.ts'
import { ACCOUNT_PAGES_PATH } from './config/account_path.ts'
import { isLoopback } from './config/origin.ts'
import { CONSOLE_PATH } from './console/console_path.ts'
import { addEndpoints, isFromPage } from './endpoints/add_endpoints.ts'
import { challengeEndpoint } from './endpoints/challenge.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import { healthEndpoint, readinessEndpoint } from './endpoints/health.ts'
import { describeHome, HOME_PATH, homeEndpoint, type OperatorPaths } from './endpoints/home.ts'
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
import { addAtFirstRequest } from './http/add_at_first_request.ts'
import { corsFor } from './http/cors.ts'
import { when, wrap } from './http/handlers.ts'
import type { Management } from './http/management.ts'
import { prefersHtml } from './http/prefers_html.ts'
import { Responses } from './http/responses.ts'
import { protectResponses } from './http/security_headers.ts'
import { INBOX_PATH } from './mail/inbox_path.ts'
import { misdirectedRequest, notFound } from './oauth/errors.ts'
import type { Services } from './services/services.ts'

const OPERATOR_PATHS: OperatorPaths = { console: CONSOLE_PATH, adminApi: `${ADMIN_PATH}${OPENAPI_PATH}` }

/** Every endpoint except the admin API and the JSON API of the account. */
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

/**
 * Creates the server from the services of one isolate.
 *
 * @param management Handles the requests for the admin API, the console and the account pages.
 */
export function createApp(services: Services, management: Management): App {
  const app = createRoutes(services, management)
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
export function createRoutes(services: Services, management: Management): Hono {
  const app = new Hono()
  addManagement(app, services, management)
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

/** Adds the paths of the admin API, of the console and of the account pages. */
function addManagement(app: Hono, { config }: Services, management: Management): void {
  const paths = [...(config.adminApi ? [CONSOLE_PATH, ADMIN_PATH] : []), ACCOUNT_PAGES_PATH]
  for (const path of paths) {
    app.all(`${path}/*`, (c) =>
      management({
        request: c.req.raw,
        server: async (request) => app.fetch(request, c.env, c.executionCtx),
        context: c.executionCtx,
      }),
    )
  }
}

/** Adds the pages of the browser flows. */
function addBrowserPages(app: Hono, services: Services): void {
  const browserPaths = PAGE_PATHS.map((path) => BROWSER_PATH + path)
  addAtFirstRequest(app, browserPaths, () => createBrowserApp(services))
}

/** Adds the home page in HTML, for browsers. It is created at its first request. */
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
