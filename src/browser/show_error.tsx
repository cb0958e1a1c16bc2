import type { Context } from 'hono'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { prefersHtml } from '../endpoints/home.ts'
import { Responses } from '../http/responses.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { malformedRequest, OAuthError, unprovenRequest } from '../oauth/errors.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import type { Texts } from '../pages/languages/en.ts'
import { PageError } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import type { BrowserServices } from './browser_services.ts'
import { BrokenLogout } from './logout_request.ts'
import { looksOf } from './looks.ts'
import { PageFrame } from './page_frame.tsx'
import { BrokenForm } from './read_submission.ts'
import { sendToClient } from './send_to_client.tsx'

/** An error page: its texts, its status, and the header `Retry-After` in seconds. */
interface ErrorView {
  text: Exclude<keyof Texts['errors'], 'number'>
  status: number
  retryAfter: string | null
}

/** Responds to a refused request: the client gets the error if its redirect URI is proven, otherwise the browser gets a page. */
export function showError(c: Context, error: Error, services: BrowserServices): Response | Promise<Response> {
  if (error instanceof AuthorizationError) {
    const response = respondToClient({ failure: error.failure }, error.returnAddress, services.config.issuer)
    return sendToClient(c, response, services)
  }
  const refusal = showsPage(c, services) ? null : refusalOf(error)
  if (refusal !== null) return new Responses(services.config).error(c, refusal)
  return showErrorPage(c, viewOf(error, c.req.path), services)
}

/** The JSON error of a link that does not work; null for the other errors, which are pages for all callers. */
function refusalOf(error: Error): OAuthError | null {
  if (error instanceof UnprovenRequest) return unprovenRequest(error.message)
  return error instanceof BrokenLogout ? malformedRequest('logout') : null
}

/** Programs get JSON. With `errors: oro` each caller gets JSON, as from OroCommerce. */
function showsPage(c: Context, { config }: BrowserServices): boolean {
  return (c.get('errorDialect') ?? config.errorDialect) !== 'oro' && prefersHtml(c)
}

/** @param path The path of the request, for the log. */
function viewOf(error: Error, path: string): ErrorView {
  if (error instanceof PageError) return viewOfStatus(error.content.status)
  if (error instanceof BrokenLogout) return { text: 'logout', status: 400, retryAfter: null }
  if (error instanceof BrokenForm) return { text: 'form', status: 400, retryAfter: null }
  if (error instanceof UnprovenRequest) {
    log('info', 'authorization_refused', { reason: error.message })
    return { text: 'link', status: 400, retryAfter: null }
  }
  if (error instanceof OAuthError && error.refusal.kind === 'too_many_attempts')
    return { text: 'unavailable', status: 429, retryAfter: String(error.refusal.retryAfterSeconds) }
  if (error instanceof StorageUnavailable) return { text: 'unavailable', status: 503, retryAfter: '2' }
  log('error', 'page_failed', { path, cause: describeError(error) })
  return { text: 'unexpected', status: 500, retryAfter: null }
}

/** The page of a `PageError`. The text of a `PageError` is only in English, so the page has the text of the status. */
function viewOfStatus(status: number): ErrorView {
  const text = status === 403 ? 'forged' : status === 404 || status === 405 ? 'notFound' : 'form'
  return { text, status, retryAfter: null }
}

async function showErrorPage(
  c: Context,
  { text, status, retryAfter }: ErrorView,
  services: BrowserServices,
): Promise<Response> {
  if (retryAfter !== null) c.header('Retry-After', retryAfter)
  const looks = await looksOf(c, services)
  const { errors } = looks.texts
  const document = (
    <PageFrame title={errors[text].title} looks={looks} assets={await services.assets.paths()}>
      <p class="soft">{errors.number(status)}</p>
      <h1>{errors[text].title}</h1>
      <p>{errors[text].text}</p>
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}
