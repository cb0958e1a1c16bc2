import type { Context, Hono } from 'hono'
import { createPageApp } from '../pages/page_app.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'
import type { Services } from '../services/services.ts'
import { STEPS, type Step } from '../signin/next_step.ts'
import { addPage } from './add_page.ts'
import { authorize, forwardPost } from './authorize.ts'
import { authorizeVisitor } from './authorize_visitor.ts'
import {
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  BROWSER_PATH,
  FILES_PATH,
  LOGOUT_CONFIRM_PATH,
  LOGOUT_PATH,
  PATH_OF_STEP,
} from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { createBrowserServices } from './create_browser_services.ts'
import { confirmLogout, forwardLogout, logout } from './logout.tsx'
import { withTexts } from './looks.ts'
import { hasLink } from './page_link.ts'
import { showError } from './show_error.tsx'
import { showLinkedPage } from './show_linked_page.ts'
import { submitForm } from './submit.tsx'

type PageHandler = (c: Context, services: BrowserServices) => Response | Promise<Response>

interface Methods {
  GET?: PageHandler
  POST?: PageHandler
}

const PAGES: Readonly<Record<string, Methods>> = {
  [AUTHORIZE_PATH]: { GET: authorize, POST: forwardPost },
  [AUTHORIZE_VISITOR_PATH]: { GET: authorizeVisitor },
  ...Object.fromEntries(STEPS.map((step) => [PATH_OF_STEP[step], methodsOf(step)])),
}

/** The pages of an OpenID provider. */
const OPENID_PAGES: Readonly<Record<string, Methods>> = {
  [LOGOUT_PATH]: { GET: logout, POST: forwardLogout },
  [LOGOUT_CONFIRM_PATH]: { POST: confirmLogout },
}

/** Creates the pages of the browser flows: the authorization endpoint, sign-in, consent and logout. */
export function createBrowserApp(shared: Services): Hono {
  const { issuer, openIdEnabled } = shared.config
  const services = createBrowserServices(shared)
  const { assets, brandStyles } = services
  const app = createPageApp({
    basePath: BROWSER_PATH,
    issuer,
    // Applications may send the user by a form (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2). The handlers change nothing.
    crossSitePaths: [AUTHORIZE_PATH, AUTHORIZE_VISITOR_PATH, LOGOUT_PATH].map((path) => BROWSER_PATH + path),
    showError: (c, error) => showError(c, error, services),
  })
  app.route(FILES_PATH, assets.routes())
  app.route(FILES_PATH, brandStyles.routes())
  app.use(withTexts(services))
  const pages = { ...PAGES, ...(openIdEnabled ? OPENID_PAGES : {}) }
  for (const [path, methods] of Object.entries(pages)) addMethods(app, path, methods, services)
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

function addMethods(app: Hono, path: string, { GET, POST }: Methods, services: BrowserServices): void {
  addPage(app, path, { GET: GET && ((c) => GET(c, services)), POST: POST && ((c) => POST(c, services)) })
}

/** The methods of a page: its URL, if it has one, and its form. */
function methodsOf(step: Step): Methods {
  const form: Methods = { POST: (c, services) => submitForm(c, step, services) }
  return hasLink(step) ? { GET: (c, services) => showLinkedPage(c, step, services), ...form } : form
}
