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
import type { Desk } from './console_services.ts'
import { SessionCookie } from './console_session.ts'
import { FORGED, NOT_ALLOWED, NOT_FOUND, Refused, TOO_LARGE } from './error_page.tsx'
import { Form } from './form.ts'
import { CONSOLE_PATH, goTo, type Page, type Reply, type Visit } from './page.ts'
import { PAGES } from './pages.ts'
import { showPage, showTrouble } from './respond.tsx'
import type { Server } from './server.ts'
import { Gate, readPostedForm } from './session_loader.ts'
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
  const gate = new Gate({ cookie, tokens, server, issuer })
  const desk: Desk = { gate, cookie, tokens, assets: new AssetFiles(), config, clock }
  const app = new Hono().basePath(CONSOLE_PATH)
  app.use(protectPages(issuer), keepNothing, csrf({ origin: issuer }), limitBody())
  app.route('/', desk.assets.routes())
  app.route('/', signInRoutes(desk))
  for (const page of PAGES) app.on(page.method, page.path, (c) => answer(c, page, desk))
  for (const path of new Set(PAGES.map((page) => page.path))) app.all(path, (c) => refuseMethod(c, path))
  app.all('*', (c) => {
    const path = c.req.path.replace(/\/+$/, '')
    if (c.req.method === 'GET' && path !== c.req.path) return c.redirect(path, 301)
    throw new Refused(NOT_FOUND)
  })
  app.onError((error, c) =>
    showTrouble(c, error instanceof HTTPException ? new Refused(FORGED) : error, desk),
  )
  return app
}

/** The recipe of every page and action. */
async function answer(c: Context, page: Page, desk: Desk): Promise<Response> {
  const { gate, config } = desk
  const now = desk.clock.now()
  const held = await gate.requireSession(c)
  const form = page.method === 'POST' ? await readPostedForm(c, held) : Form.of({})
  const { admin, operator } = await gate.enter(c, held, now)
  const { csrfToken } = held
  const query = new Form(new URL(c.req.url).searchParams)
  const visit = { admin, operator, csrfToken, params: c.req.param(), query, form, now, config }
  const reply = await handle(page, visit)
  if (!('location' in reply)) return showPage(c, reply, visit, desk)
  if (reply.tokens) await desk.cookie.write(c, toSession(reply.tokens, newCsrfToken(), now))
  return c.redirect(reply.location, 303)
}

function handle(page: Page, visit: Visit): Promise<Reply> | Reply {
  const { operator } = visit
  if (operator.mustChangePassword && page.path !== '/password') return goTo('/password')
  if (page.role === 'admin' && !operator.isAdmin) throw new Refused(NOT_ALLOWED)
  return page.handle(visit)
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
