import { type Context, Hono, type Next } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import type { Config } from '../config/config.ts'
import { PRIVATE } from '../http/responses.ts'
import { protectPages } from '../http/security_headers.ts'
import type { TextSealer } from '../keys/text_sealer.ts'
import type { Clock } from '../lib/clock.ts'
import { AssetFiles } from './assets.ts'
import type { ConsoleServices } from './console_services.ts'
import { SessionCookie } from './console_session.ts'
import { FORGED, NOT_ALLOWED, NOT_FOUND, Refused, TOO_LARGE } from './error_page.tsx'
import { Form } from './form.ts'
import { CONSOLE_PATH, goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { PAGES } from './pages.ts'
import { showPage, showTrouble } from './respond.tsx'
import type { Server } from './server.ts'
import { readPostedForm, SessionLoader } from './session_loader.ts'
import { signInRoutes } from './sign_in.tsx'
import { newCsrfToken, TokenClient, toSession } from './token_client.ts'

const MAX_BODY_BYTES = 16 * 1024

export interface ConsoleOptions {
  /** The whole server, of which the console is a client. */
  server: Server
  /** What seals the cookies. */
  sealer: TextSealer
  config: Config
  clock: Clock
}

/** The console, at CONSOLE_PATH. It answers for every path there. */
export function createConsole({ server, sealer, config, clock }: ConsoleOptions): Hono {
  const { issuer } = config
  const cookie = new SessionCookie(sealer, issuer)
  const tokens = new TokenClient(server, issuer)
  const sessionLoader = new SessionLoader({ cookie, tokens, server, issuer })
  const services: ConsoleServices = { sessionLoader, cookie, tokens, assets: new AssetFiles(), config, clock }
  const app = new Hono().basePath(CONSOLE_PATH)
  app.use(protectPages(issuer), keepNothing, csrf({ origin: issuer }), limitBody())
  app.route('/', services.assets.routes())
  app.route('/', signInRoutes(services))
  for (const page of PAGES) app.on(page.method, page.path, (c) => servePage(c, page, services))
  for (const path of new Set(PAGES.map((page) => page.path))) app.all(path, (c) => refuseMethod(c, path))
  app.all('*', (c) => {
    const path = c.req.path.replace(/\/+$/, '')
    if (c.req.method === 'GET' && path !== c.req.path) return c.redirect(path, 301)
    throw new Refused(NOT_FOUND)
  })
  app.onError((error, c) =>
    showTrouble(c, error instanceof HTTPException ? new Refused(FORGED) : error, services),
  )
  return app
}

/** The recipe of every page and action. */
async function servePage(c: Context, page: Page, services: ConsoleServices): Promise<Response> {
  const { sessionLoader, config } = services
  const now = services.clock.now()
  const session = await sessionLoader.requireSession(c)
  const form = page.method === 'POST' ? await readPostedForm(c, session) : Form.of({})
  const { admin, operator } = await sessionLoader.open(c, session, now)
  const { csrfToken } = session
  const query = new Form(new URL(c.req.url).searchParams)
  const request = { admin, operator, csrfToken, params: c.req.param(), query, form, now, config }
  const response = await handle(page, request)
  if (!('location' in response)) return showPage(c, response, request, services)
  if (response.tokens) await services.cookie.write(c, toSession(response.tokens, newCsrfToken(), now))
  return c.redirect(response.location, 303)
}

function handle(page: Page, request: PageRequest): Promise<PageResponse> | PageResponse {
  const { operator } = request
  if (operator.mustChangePassword && page.path !== '/password') return goTo('/password')
  if (page.role === 'admin' && !operator.isAdmin) throw new Refused(NOT_ALLOWED)
  return page.handle(request)
}

function refuseMethod(c: Context, path: string): never {
  const methods = PAGES.filter((page) => page.path === path).map(({ method }) => method)
  const allow = methods.includes('GET')
    ? ['GET', 'HEAD', ...methods.filter((name) => name !== 'GET')]
    : methods
  c.header('Allow', allow.join(', '))
  throw new Refused({ ...NOT_FOUND, status: 405, title: 'A page cannot be asked like that' })
}

/** Nobody keeps a response that does not say how. */
async function keepNothing(c: Context, next: Next): Promise<void> {
  await next()
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', PRIVATE)
}

function limitBody() {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new Refused(TOO_LARGE)
    },
  })
}
