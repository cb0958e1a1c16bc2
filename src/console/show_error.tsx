import type { Context } from 'hono'
import { describeError, log } from '../lib/log.ts'
import { ErrorCard, type ErrorContent, UNEXPECTED } from '../pages/page_error.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import { findErrorContent, WITHOUT_ROLE } from './error_content.ts'
import { KEPT_PATH } from './kept_page.tsx'
import { goOn, showCard, showPage } from './respond.tsx'
import { isSignInNeeded, isWithoutRole, SignInNeeded } from './session_loader.ts'
import { beginSignIn, OTHER_ACCOUNT, SIGN_IN } from './sign_in.tsx'

const HOME = { href: CONSOLE_PATH, label: 'Go to the dashboard' }

/** The relations of a link to the console for which browsers send no `Strict` cookie (`Sec-Fetch-Site`). */
const ELSEWHERE: readonly string[] = ['cross-site', 'same-site']

/**
 * Responds to an error: with a sign-in if the session has ended, otherwise with an error page. The page has the navigation if
 * the operator is signed in. Only the log has the cause.
 */
export async function showError(c: Context, error: Error, services: ConsoleServices): Promise<Response> {
  if (isSignInNeeded(error)) return startSignIn(c, error, services)
  const hasNoRole = isWithoutRole(error)
  if (hasNoRole) services.cookie.clear(c)
  const content = hasNoRole ? WITHOUT_ROLE : (findErrorContent(error) ?? UNEXPECTED)
  logError(c, error, content)
  if (content.retryAfter !== undefined) c.header('Retry-After', content.retryAfter)
  const { title, status } = content
  const signedIn = hasNoRole ? null : await findSignedIn(c, content, services)
  const home = hasNoRole ? OTHER_ACCOUNT : signedIn === null ? SIGN_IN : HOME
  const body = <ErrorCard content={content} home={home} />
  if (signedIn === null) return showCard(c, { title, body, status }, services)
  return showPage(c, { title, body, status, ...signedIn }, services)
}

/** The operator of a failed request. A store that does not respond is not called again. */
function findSignedIn(c: Context, { status }: ErrorContent, { sessionLoader, clock }: ConsoleServices) {
  return sessionLoader.findSignedIn(c, { now: clock.now(), mayRead: status < 500 })
}

/** Starts a sign-in that leads back to the requested page. A posted form leads to the page with its kept values. */
function startSignIn(c: Context, error: Error, services: ConsoleServices): Promise<Response> {
  const hasEnded = !(error instanceof SignInNeeded) || error.hasEnded
  if (hasEnded) services.cookie.clear(c)
  const { pathname, search } = new URL(c.req.url)
  const next = c.req.method === 'POST' ? CONSOLE_PATH + KEPT_PATH : pathname + search
  const isFromElsewhere = ELSEWHERE.includes(c.req.header('Sec-Fetch-Site') ?? '')
  if (!hasEnded && isFromElsewhere) return goOn(c, next, services)
  return beginSignIn(c, { next, asksPassword: hasEnded }, services)
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
