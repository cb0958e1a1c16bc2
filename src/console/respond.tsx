import type { Context } from 'hono'
import { describeError, log } from '../lib/log.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { CardDocument } from '../pages/document.tsx'
import { ErrorCard, type ErrorContent, UNEXPECTED } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import { AdminProblem } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import { findErrorContent } from './error_content.ts'
import { ConsoleDocument } from './layout.tsx'
import type { ConsoleOperator, Download, PageContent } from './page.ts'
import { SEARCH_PATH } from './search_page.tsx'
import { isWithoutRole, SignInNeeded } from './session_loader.ts'
import { SignIn } from './sign_in_page.tsx'

/** The file name of the script of the console. */
export const SCRIPT_NAME = 'local_times.js'

const HOME = { href: CONSOLE_PATH, label: 'Go to the dashboard' }
const SIGN_IN = { href: `${CONSOLE_PATH}/sign-in`, label: 'Sign in' }

/** Responds with a file that the browser saves (RFC 6266). */
export function sendFile(c: Context, { fileName, document }: Download): Response {
  c.header('Content-Disposition', `attachment; filename="${fileName}"`)
  c.header('Content-Type', 'application/json; charset=UTF-8')
  return c.body(JSON.stringify(document, null, 2))
}

interface ShownContent extends PageContent {
  operator: ConsoleOperator
  csrfToken: string
  /** The text of the notice; absent or null for a page without a notice. */
  notice?: string | null
}

/** Responds with a page for a signed-in operator. */
export async function showPage(
  c: Context,
  { title, body, status, refresh, operator, csrfToken, notice = null }: ShownContent,
  services: ConsoleServices,
): Promise<Response> {
  const path = c.req.path.slice(CONSOLE_PATH.length)
  const document = (
    <ConsoleDocument
      title={title}
      assets={await services.assets.paths()}
      operator={operator}
      csrfToken={csrfToken}
      path={path}
      searched={path === SEARCH_PATH ? (c.req.query('q') ?? '') : ''}
      notice={notice}
      refresh={refresh}
    >
      {body}
    </ConsoleDocument>
  )
  const { origin } = new URL(services.config.issuer)
  const policy = { ...OWN_ORIGIN_ONLY, scripts: [`${origin}${CONSOLE_PATH}/${SCRIPT_NAME}`] }
  return renderPage(c, { document, policy, status })
}

/** Responds with a page that needs no session. */
export async function showCard(
  c: Context,
  { title, body, status }: PageContent,
  services: ConsoleServices,
): Promise<Response> {
  const document = (
    <CardDocument title={title} assets={await services.assets.paths()}>
      {body}
    </CardDocument>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}

/**
 * Responds to an error: with the sign-in if the session has ended, otherwise with an error page. The page has the navigation if
 * the operator is signed in. Only the log has the cause.
 */
export async function showError(c: Context, error: Error, services: ConsoleServices): Promise<Response> {
  if (error instanceof SignInNeeded && error.kept !== '') return showSignIn(c, error.kept, services)
  if (error instanceof SignInNeeded) return sendToSignIn(c, error.hasEnded, services)
  if (error instanceof AdminProblem && error.status === 401) return sendToSignIn(c, true, services)
  if (isWithoutRole(error)) services.cookie.clear(c)
  const content = findErrorContent(error) ?? UNEXPECTED
  logError(c, error, content)
  if (content.retryAfter !== undefined) c.header('Retry-After', content.retryAfter)
  const { title, status } = content
  const signedIn = isWithoutRole(error) ? null : await findSignedIn(c, content, services)
  const body = <ErrorCard content={content} home={signedIn === null ? SIGN_IN : HOME} />
  if (signedIn === null) return showCard(c, { title, body, status }, services)
  return showPage(c, { title, body, status, ...signedIn }, services)
}

/** The operator of a failed request. A store that does not respond is not called again. */
function findSignedIn(c: Context, { status }: ErrorContent, { sessionLoader, clock }: ConsoleServices) {
  return sessionLoader.findSignedIn(c, { now: clock.now(), mayRead: status < 500 })
}

/** The sign-in in place of the page, with the posted form. */
function showSignIn(c: Context, kept: string, services: ConsoleServices): Promise<Response> {
  services.cookie.clear(c)
  const body = <SignIn next={CONSOLE_PATH} reason="kept" kept={kept} />
  return showCard(c, { title: 'Sign in', body, status: 401 }, services)
}

function sendToSignIn(c: Context, hasEnded: boolean, services: ConsoleServices): Response {
  if (hasEnded) services.cookie.clear(c)
  const { pathname, search } = new URL(c.req.url)
  const isPost = c.req.method === 'POST'
  // The browser does not repeat a post after the sign-in.
  const next = isPost ? CONSOLE_PATH : pathname + search
  const reason = isPost ? 'not-done' : 'ended'
  const query = new URLSearchParams({ ...(hasEnded ? { reason } : {}), next })
  return c.redirect(`${CONSOLE_PATH}/sign-in?${query}`, 303)
}

function logError(c: Context, error: Error, { status }: ErrorContent): void {
  log(status >= 500 ? 'error' : 'info', 'console_refused', {
    // An unknown path can contain a token, so the log omits it.
    path: status === 404 ? null : c.req.path,
    method: c.req.method,
    status,
    reason: describeError(error),
  })
}
