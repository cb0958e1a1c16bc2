import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { describeError, log } from '../lib/log.ts'
import { AdminProblem } from './admin_problem.ts'
import type { ConsoleServices } from './console_services.ts'
import { describeTrouble, type Trouble, TroubleText, UNEXPECTED } from './error_page.tsx'
import { ConsolePage, PlainPage } from './layout.tsx'
import { findNotice } from './notices.ts'
import { CONSOLE_PATH, type PageRequest, type PageResponse } from './page.ts'
import { isWithoutRole, SignInNeeded } from './session_loader.ts'

type PageContent = Exclude<PageResponse, { location: string }>

/** A page for somebody who is signed in. */
export async function showPage(
  c: Context,
  { title, body, status = 200 }: PageContent,
  { operator, csrfToken, query }: PageRequest,
  services: ConsoleServices,
): Promise<Response> {
  const path = c.req.path.slice(CONSOLE_PATH.length)
  const notice = findNotice(query.text('done'))
  const assets = await services.assets.addresses()
  return respond(
    c,
    <ConsolePage
      title={title}
      assets={assets}
      operator={operator}
      csrfToken={csrfToken}
      path={path}
      notice={notice}
    >
      {body}
    </ConsolePage>,
    status,
  )
}

/** A page of one thing. */
export async function showPlain(
  c: Context,
  { title, body, status = 200 }: PageContent,
  services: ConsoleServices,
): Promise<Response> {
  const assets = await services.assets.addresses()
  return respond(
    c,
    <PlainPage title={title} assets={assets}>
      {body}
    </PlainPage>,
    status,
  )
}

/** Whatever was thrown, as a page, or the way to the sign-in. The cause goes to the log alone. */
export async function showTrouble(c: Context, thrown: Error, services: ConsoleServices): Promise<Response> {
  if (thrown instanceof SignInNeeded) return sendToSignIn(c, thrown.isOver, services)
  if (thrown instanceof AdminProblem && thrown.status === 401) return sendToSignIn(c, true, services)
  if (isWithoutRole(thrown)) services.cookie.clear(c)
  const trouble = describeTrouble(thrown) ?? UNEXPECTED
  logTrouble(c, thrown, trouble)
  if (trouble.retryAfter !== undefined) c.header('Retry-After', trouble.retryAfter)
  return showPlain(
    c,
    { title: trouble.title, body: <TroubleText trouble={trouble} />, status: trouble.status },
    services,
  )
}

function sendToSignIn(c: Context, isOver: boolean, services: ConsoleServices): Response {
  if (isOver) services.cookie.clear(c)
  const { pathname, search } = new URL(c.req.url)
  const isPost = c.req.method === 'POST'
  // What was posted is not done again by itself.
  const next = isPost ? CONSOLE_PATH : pathname + search
  const reason = isPost ? 'not-done' : 'ended'
  const query = new URLSearchParams({ ...(isOver ? { reason } : {}), next })
  return c.redirect(`${CONSOLE_PATH}/sign-in?${query}`, 303)
}

function logTrouble(c: Context, thrown: Error, { status }: Trouble): void {
  log(status >= 500 ? 'error' : 'info', 'console_refused', {
    // A path that is none of ours may hold anything.
    path: status === 404 ? null : c.req.path,
    method: c.req.method,
    status,
    reason: describeError(thrown),
  })
}

function respond(c: Context, document: Child, status: number): Response | Promise<Response> {
  return c.html(html`<!doctype html>${document}`, status as ContentfulStatusCode)
}
