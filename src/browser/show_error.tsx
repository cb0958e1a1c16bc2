import type { Context } from 'hono'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { COOLDOWN_SECONDS, DocumentUnavailable } from '../clients/metadata/metadata_documents.ts'
import { isLoopback } from '../config/origin.ts'
import { prefersHtml } from '../http/prefers_html.ts'
import { Responses } from '../http/responses.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { malformedRequest, OAuthError, temporarilyUnavailable, unprovenRequest } from '../oauth/errors.ts'
import { breakable } from '../pages/breakable.tsx'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import type { Texts } from '../pages/languages/en.ts'
import { PageError } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import type { BrowserServices } from './browser_services.ts'
import { BrokenLogout } from './logout_request.ts'
import { type Looks, looksOf } from './looks.ts'
import { PageFrame } from './page_frame.tsx'
import { BrokenForm } from './read_submission.ts'
import { sendToClient } from './send_to_client.tsx'

/** The heading of an error page and the text below it. */
interface ErrorText {
  title: string
  text: string
}

/** An error page: its texts, its status, the header `Retry-After` in seconds, and the cause for developers. */
interface ErrorView {
  text: Exclude<keyof Texts['errors'], 'number'> | DocumentUnavailable
  status: number
  retryAfter: string | null
  cause?: string
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
  if (error instanceof DocumentUnavailable)
    return error.isFinal
      ? unprovenRequest(error.message)
      : temporarilyUnavailable(error.message, COOLDOWN_SECONDS)
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
    return { text: 'link', status: 400, retryAfter: null, cause: error.message }
  }
  if (error instanceof OAuthError && error.refusal.kind === 'too_many_attempts')
    return { text: 'unavailable', status: 429, retryAfter: String(error.refusal.retryAfterSeconds) }
  if (error instanceof DocumentUnavailable) {
    const { problem, message, isFinal } = error
    log('info', 'authorization_refused', { reason: `the document of the client (${problem}): ${message}` })
    return isFinal
      ? { text: error, status: 400, retryAfter: null, cause: message }
      : { text: error, status: 502, retryAfter: String(COOLDOWN_SECONDS), cause: message }
  }
  if (isUnavailable(error)) return { text: 'unavailable', status: 503, retryAfter: '2' }
  log('error', 'page_failed', { path, cause: describeError(error) })
  return { text: 'unexpected', status: 500, retryAfter: null }
}

function isUnavailable(error: Error): boolean {
  if (error instanceof OAuthError) return error.refusal.kind === 'temporarily_unavailable'
  return error instanceof StorageUnavailable
}

/** The page of a `PageError`. The text of a `PageError` is only in English, so the page has the text of the status. */
function viewOfStatus(status: number): ErrorView {
  const text = status === 403 ? 'forged' : status === 404 || status === 405 ? 'notFound' : 'form'
  return { text, status, retryAfter: null }
}

async function showErrorPage(
  c: Context,
  { text, status, retryAfter, cause }: ErrorView,
  services: BrowserServices,
): Promise<Response> {
  if (retryAfter !== null) c.header('Retry-After', retryAfter)
  const looks = await looksOf(c, services)
  const words = text instanceof DocumentUnavailable ? describeDocument(text, looks) : looks.texts.errors[text]
  const document = (
    <PageFrame title={words.title} looks={looks} assets={await services.assets.paths()}>
      <p class="soft">{looks.texts.errors.number(status)}</p>
      <h1>{words.title}</h1>
      <p>{breakable(words.text)}</p>
      {/* Only a developer uses a loopback issuer. A public page names no cause, which could help an attacker. */}
      {cause !== undefined && isLoopback(services.config.issuer) ? (
        <p class="soft" lang="en">
          {breakable(cause)}
        </p>
      ) : null}
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}

/** Names the host and the cause, so that the user and the maker of the application know where the fault is. */
function describeDocument({ url, problem, isFinal }: DocumentUnavailable, { texts }: Looks): ErrorText {
  const { title, refusedTitle, causes, help, refusedHelp } = texts.documentError
  const host = URL.canParse(url) ? new URL(url).host : ''
  return {
    title: isFinal ? refusedTitle : title,
    text: `${causes[problem](host)} ${isFinal ? refusedHelp : help}`,
  }
}
