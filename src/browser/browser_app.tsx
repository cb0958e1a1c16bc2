import type { Context, Hono } from 'hono'
import { Assets } from '../pages/assets.ts'
import { createPageApp } from '../pages/page_app.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, PageError } from '../pages/page_error.tsx'
import type { Services } from '../services/services.ts'
import { STEPS, type Step } from '../signin/next_step.ts'
import { authorize, forwardPost } from './authorize.ts'
import { authorizeVisitor } from './authorize_visitor.ts'
import { BrandStyles } from './brand_styles.ts'
import { BrowserCookies } from './browser_cookies.ts'
import {
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  BROWSER_PATH,
  FILES_PATH,
  FORM_POST_SCRIPT,
  LOGOUT_CONFIRM_PATH,
  LOGOUT_PATH,
  PASSKEY_SCRIPT,
  PATH_OF_STEP,
} from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import formPost from './form_post.js.txt'
import { confirmLogout, forwardLogout, logout } from './logout.tsx'
import { hasLink } from './page_link.ts'
import passkey from './passkey.js.txt'
import { showError } from './show_error.tsx'
import { showLinkedPage } from './show_linked_page.ts'
import style from './style.css'
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

const SCRIPTS = [
  { name: FORM_POST_SCRIPT, text: formPost },
  { name: PASSKEY_SCRIPT, text: passkey },
]

/** Creates the pages of the browser flows: the authorization endpoint, sign-in, consent and logout. */
export function createBrowserApp(shared: Services): Hono {
  const { issuer, openIdEnabled } = shared.config
  const assets = new Assets(BROWSER_PATH + FILES_PATH, style, SCRIPTS)
  const brandStyles = new BrandStyles(BROWSER_PATH + FILES_PATH, shared.config)
  const cookies = new BrowserCookies(shared.browserSealer, issuer)
  const services: BrowserServices = { ...shared, cookies, assets, brandStyles }
  const app = createPageApp({
    basePath: BROWSER_PATH,
    issuer,
    // Applications may send the user by a form (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2). The handlers change nothing.
    crossSitePaths: [AUTHORIZE_PATH, AUTHORIZE_VISITOR_PATH, LOGOUT_PATH].map((path) => BROWSER_PATH + path),
    showError: (c, error) => showError(c, error, services),
  })
  app.route(FILES_PATH, assets.routes())
  app.route(FILES_PATH, brandStyles.routes())
  const pages = { ...PAGES, ...(openIdEnabled ? OPENID_PAGES : {}) }
  for (const [path, methods] of Object.entries(pages)) addPage(app, path, methods, services)
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

/** Adds the methods of a path. Other methods get 405 (RFC 9110 §15.5.6). */
function addPage(app: Hono, path: string, { GET, POST }: Methods, services: BrowserServices): void {
  if (GET) app.get(path, (c) => GET(c, services))
  if (POST) app.post(path, (c) => POST(c, services))
  const allow = [...(GET ? ['GET', 'HEAD'] : []), ...(POST ? ['POST'] : [])]
  app.all(path, (c) => {
    c.header('Allow', allow.join(', '))
    throw new PageError(METHOD_NOT_ALLOWED)
  })
}

/** The methods of a page: its URL, if it has one, and its form. */
function methodsOf(step: Step): Methods {
  const form: Methods = { POST: (c, services) => submitForm(c, step, services) }
  return hasLink(step) ? { GET: (c, services) => showLinkedPage(c, step, services), ...form } : form
}
