import type { Context, Hono } from 'hono'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { Assets } from '../pages/assets.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { CardDocument } from '../pages/document.tsx'
import { createPageApp } from '../pages/page_app.ts'
import {
  ErrorCard,
  type ErrorContent,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  PageError,
  UNEXPECTED,
  unavailable,
} from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import type { Services } from '../services/services.ts'
import type { Step } from '../signin/next_step.ts'
import { authorizeVisitor } from './authorize_visitor.ts'
import { BrowserCookies } from './browser_cookies.ts'
import {
  ACCOUNT_PATH,
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  BROWSER_PATH,
  CONSENT_PATH,
  PASSWORD_PATH,
  SIGN_IN_PATH,
} from './browser_path.ts'
import { readBrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { sendToClient } from './send_to_client.tsx'
import { readSituation } from './situation.ts'
import { submitForm } from './submit.tsx'
import { takeNextStep } from './take_next_step.ts'

/** Creates the pages of the browser flows: the authorization endpoint, sign-in and consent. */
export function createBrowserApp(shared: Services): Hono {
  const { issuer } = shared.config
  const assets = new Assets(`${BROWSER_PATH}/pages`, '')
  const services = { ...shared, cookies: new BrowserCookies(shared.browserSealer, issuer), assets }
  const app = createPageApp({
    basePath: BROWSER_PATH,
    issuer,
    showError: (c, error) => showError(c, error, services),
  })
  app.route('/pages', assets.routes())
  app.get(AUTHORIZE_PATH, (c) => authorize(c, services))
  app.get(AUTHORIZE_VISITOR_PATH, (c) => authorizeVisitor(c, services))
  for (const [path, step] of FORMS) app.post(path, (c) => submitForm(c, step, services))
  for (const path of [AUTHORIZE_PATH, AUTHORIZE_VISITOR_PATH, ...FORMS.keys()])
    app.all(path, (c) => {
      c.header('Allow', FORMS.has(path) ? 'POST' : 'GET')
      throw new PageError(METHOD_NOT_ALLOWED)
    })
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

/** The pages by the paths of their forms. */
const FORMS: ReadonlyMap<string, Step> = new Map([
  [SIGN_IN_PATH, 'sign_in'],
  [ACCOUNT_PATH, 'select_account'],
  [PASSWORD_PATH, 'change_password'],
  [CONSENT_PATH, 'consent'],
])

async function authorize(c: Context, services: BrowserServices): Promise<Response> {
  const browserRequest = await readBrowserRequest(c, services)
  const situation = await readSituation(c, browserRequest, services)
  const known = { ...situation.known, isOpening: true }
  return takeNextStep(c, { ...situation, known }, services)
}

function showError(c: Context, error: Error, services: BrowserServices): Response | Promise<Response> {
  if (error instanceof AuthorizationError) {
    const response = respondToClient(error.failure, error.returnAddress, services.config.issuer)
    return sendToClient(c, response, services)
  }
  return showErrorPage(c, contentOf(error), services)
}

const UNPROVEN: ErrorContent = {
  status: 400,
  title: 'This sign-in link does not work',
  text: 'The application sent a wrong or incomplete link. Go back to the application, or tell its support.',
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
