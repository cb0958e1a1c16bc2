import type { Context } from 'hono'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { prefersHtml } from '../endpoints/home.ts'
import { Responses } from '../http/responses.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { unprovenRequest } from '../oauth/errors.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { CardDocument } from '../pages/document.tsx'
import { ErrorCard, type ErrorContent, PageError, UNEXPECTED, unavailable } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import type { BrowserServices } from './browser_services.ts'
import { sendToClient } from './send_to_client.tsx'

const UNPROVEN: ErrorContent = {
  status: 400,
  title: 'This sign-in link does not work',
  text: 'The application sent a wrong, incomplete or expired link. Go back to the application and start again.',
}

/** Responds to a refused request: the client gets the error if its redirect URI is proven, otherwise the browser gets a page. */
export function showError(c: Context, error: Error, services: BrowserServices): Response | Promise<Response> {
  if (error instanceof AuthorizationError) {
    const response = respondToClient({ failure: error.failure }, error.returnAddress, services.config.issuer)
    return sendToClient(c, response, services)
  }
  if (error instanceof UnprovenRequest && !showsPage(c, services)) {
    return new Responses(services.config).error(c, unprovenRequest(error.message))
  }
  return showErrorPage(c, contentOf(error), services)
}

/** Programs get JSON. OroCommerce answers every caller with JSON. */
function showsPage(c: Context, { config }: BrowserServices): boolean {
  return config.errorDialect !== 'oro' && prefersHtml(c)
}

function contentOf(error: Error): ErrorContent {
  if (error instanceof PageError) return error.content
  if (error instanceof UnprovenRequest) {
    log('info', 'authorization_refused', { reason: error.message })
    return UNPROVEN
  }
  if (error instanceof StorageUnavailable) return unavailable('Try again in a moment.', '2')
  log('error', 'page_failed', { cause: describeError(error) })
  return UNEXPECTED
}

async function showErrorPage(
  c: Context,
  content: ErrorContent,
  { assets }: BrowserServices,
): Promise<Response> {
  if (content.retryAfter !== undefined) c.header('Retry-After', content.retryAfter)
  const document = (
    <CardDocument title={content.title} assets={await assets.paths()}>
      <ErrorCard content={content} home={{ href: '/', label: 'Start page' }} />
    </CardDocument>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status: content.status })
}
