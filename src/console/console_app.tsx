import type { Context, Hono } from 'hono'
import type { Config } from '../config/config.ts'
import type { TextSealer } from '../keys/text_sealer.ts'
import type { Clock } from '../lib/clock.ts'
import { compact } from '../lib/compact.ts'
import { Assets } from '../pages/assets.ts'
import { hasCsrfToken, newCsrfToken, readProtectedForm } from '../pages/csrf.ts'
import { Form } from '../pages/form.ts'
import { createPageApp } from '../pages/page_app.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, PageError } from '../pages/page_error.tsx'
import { readForm } from '../pages/read_form.ts'
import { formatQuery } from './admin_client.ts'
import { CONSOLE_PATH, SCRIPT_NAME } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import { type ConsoleSession, createSessionCookie } from './console_session.ts'
import { roleMissing } from './error_content.ts'
import { authorOf, KeptForms } from './kept_forms.ts'
import localTimes from './local_times.js.txt'
import { NoticeCookie } from './notice_cookie.ts'
import { goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { PAGES } from './pages.ts'
import { sendFile, showPage } from './respond.tsx'
import type { Server } from './server.ts'
import { isSignInNeeded, SessionLoader } from './session_loader.ts'
import { showError } from './show_error.tsx'
import { signInRoutes } from './sign_in.tsx'
import { SignInAttempts } from './sign_in_attempt.ts'
import style from './style.css'
import { TokenClient, toSession } from './token_client.ts'

export interface ConsoleOptions {
  /** The whole server. The console sends requests to it. */
  server: Server
  /** Seals the cookies and the attempts to sign in. */
  sealer: TextSealer
  config: Config
  clock: Clock
}

/** Creates the console. It handles CONSOLE_PATH and every path below it. */
export function createConsole({ server, sealer, config, clock }: ConsoleOptions): Hono {
  const { issuer } = config
  const cookie = createSessionCookie(sealer, issuer)
  const attempts = new SignInAttempts(sealer, issuer)
  const notices = new NoticeCookie(sealer, issuer)
  const keptForms = new KeptForms(sealer, issuer)
  const tokens = new TokenClient(server, issuer)
  const sessionLoader = new SessionLoader({ cookie, tokens, server, issuer })
  const assets = new Assets(CONSOLE_PATH, style, [{ name: SCRIPT_NAME, text: localTimes }])
  const cookies = { cookie, attempts, notices, keptForms }
  const services: ConsoleServices = { sessionLoader, ...cookies, tokens, assets, config, clock }
  const app = createPageApp({
    basePath: CONSOLE_PATH,
    issuer,
    showError: (c, error) => showError(c, error, services),
  })
  app.route('/', assets.routes())
  app.route('/', signInRoutes(services))
  for (const page of PAGES) app.on(page.method, page.path, (c) => servePage(c, page, services))
  for (const path of new Set(PAGES.map((page) => page.path))) app.all(path, (c) => refuseMethod(c, path))
  app.all('*', (c) => {
    const path = c.req.path.replace(/\/+$/, '')
    if (c.req.method === 'GET' && path !== c.req.path) return c.redirect(path, 301)
    throw new PageError(NOT_FOUND)
  })
  return app
}

/** The steps of every request for a page or an action. */
async function servePage(c: Context, page: Page, services: ConsoleServices): Promise<Response> {
  const shorter = withoutEmptyParameters(c.req.url)
  if (page.method === 'GET' && shorter !== null) return c.redirect(shorter, 303)
  const { config } = services
  const now = services.clock.now()
  const session = await requireOrKeep(c, now, services)
  const { csrfToken } = session
  const form = page.method === 'POST' ? await readProtectedForm(c, csrfToken) : Form.of({})
  const { admin, operator } = await openOrKeep(c, { session, form, now }, services)
  const query = new Form(new URL(c.req.url).searchParams)
  const findKeptForm = () => services.keptForms.find(c, { operatorId: operator.id, now })
  const given = { params: c.req.param(), query, form, findKeptForm }
  const response = await handle(page, { admin, operator, csrfToken, ...given, now, config })
  if ('document' in response) return sendFile(c, response)
  if (!('location' in response)) {
    const notice = await services.notices.take(c, now)
    const title = (response.status ?? 200) < 400 ? response.title : `Error: ${response.title}`
    return showPage(c, { ...response, title, operator, csrfToken, notice }, services)
  }
  const { location, done: name, sessions } = response
  if (name !== undefined) await services.notices.set(c, compact({ name, sessions, path: location, at: now }))
  if (response.tokens) {
    const marks = { csrfToken: newCsrfToken(), nonce: session.nonce }
    await services.cookie.write(c, toSession(response.tokens, marks, now))
  }
  return c.redirect(location, 303)
}

/**
 * The URL without its empty parameters; null if it has none. A browser sends each field of a form, so the URL of a list would
 * have a parameter for each unused filter.
 */
function withoutEmptyParameters(url: string): string | null {
  const { pathname, searchParams } = new URL(url)
  const given = [...searchParams].filter(([, value]) => value !== '')
  if (given.length === searchParams.size) return null
  return pathname + formatQuery(Object.fromEntries(given))
}

/** The session in the cookie. After a sign-out in another tab, a posted form of the session is kept. @throws SignInNeeded */
async function requireOrKeep(
  c: Context,
  now: number,
  { sessionLoader, keptForms }: ConsoleServices,
): Promise<ConsoleSession> {
  try {
    return await sessionLoader.requireSession(c)
  } catch (error) {
    const author = c.req.method === 'POST' ? await keptForms.findSignedOut(c) : null
    const form = author === null ? null : await readForm(c)
    if (author !== null && form !== null && hasCsrfToken(form, author.csrfToken))
      await keptForms.keep(c, form, { author, now })
    throw error
  }
}

/** Opens the session. If it has ended, a posted form is kept. @throws SignInNeeded, PageError, AdminProblem */
async function openOrKeep(
  c: Context,
  { session, form, now }: { session: ConsoleSession; form: Form; now: number },
  { sessionLoader, keptForms }: ConsoleServices,
) {
  try {
    return await sessionLoader.open(c, session, now)
  } catch (error) {
    if (c.req.method === 'POST' && isSignInNeeded(error))
      await keptForms.keep(c, form, { author: authorOf(session), now })
    throw error
  }
}

function handle(page: Page, request: PageRequest): Promise<PageResponse> | PageResponse {
  const { operator } = request
  if (operator.mustChangePassword && page.path !== '/password') return goTo('/password')
  if (page.role === 'admin' && !operator.isAdmin) throw new PageError(roleMissing(page.path))
  return page.handle(request)
}

/** After a refused form, the URL of an action can be reloaded: the browser goes to the page of the object. */
function refuseMethod(c: Context, path: string): Response {
  if (['GET', 'HEAD'].includes(c.req.method)) return c.redirect(parentPageOf(c.req.path), 303)
  const methods = PAGES.filter((page) => page.path === path).map(({ method }) => method)
  const allow = methods.includes('GET')
    ? ['GET', 'HEAD', ...methods.filter((name) => name !== 'GET')]
    : methods
  c.header('Allow', allow.join(', '))
  throw new PageError(METHOD_NOT_ALLOWED)
}

/** The nearest page above the URL of an action. */
function parentPageOf(address: string): string {
  const parent = address.slice(0, address.lastIndexOf('/'))
  return parent.length <= CONSOLE_PATH.length || isPage(parent) ? parent : parentPageOf(parent)
}

function isPage(address: string): boolean {
  const segments = address.slice(CONSOLE_PATH.length).split('/')
  return PAGES.some(({ method, path }) => {
    const pattern = path.split('/')
    const isMatch = pattern.every((part, i) => part.startsWith(':') || part === segments[i])
    return method === 'GET' && isMatch && pattern.length === segments.length
  })
}
