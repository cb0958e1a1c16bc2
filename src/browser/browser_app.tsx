import type { Hono } from 'hono'
import { Assets } from '../pages/assets.ts'
import { createPageApp } from '../pages/page_app.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, PageError } from '../pages/page_error.tsx'
import type { Services } from '../services/services.ts'
import { authorize, forwardPost } from './authorize.ts'
import { BrowserCookies } from './browser_cookies.ts'
import { AUTHORIZE_PATH, BROWSER_PATH, CONSENT_PATH, FILES_PATH, SIGN_IN_PATH } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import formPost from './form_post.js.txt'
import { SCRIPT_NAME } from './send_to_client.tsx'
import { showError } from './show_error.tsx'
import { submitConsent, submitSignIn } from './submit.tsx'

/** Creates the pages of the browser flows: the authorization endpoint, sign-in and consent. */
export function createBrowserApp(shared: Services): Hono {
  const { issuer } = shared.config
  const assets = new Assets(BROWSER_PATH + FILES_PATH, '', { name: SCRIPT_NAME, text: formPost })
  const cookies = new BrowserCookies(shared.browserSealer, issuer)
  const services: BrowserServices = { ...shared, cookies, assets }
  const app = createPageApp({
    basePath: BROWSER_PATH,
    issuer,
    // Applications may send the user by a form (OpenID Connect Core §3.1.2.1). The handler changes nothing.
    crossSitePaths: [BROWSER_PATH + AUTHORIZE_PATH],
    showError: (c, error) => showError(c, error, services),
  })
  app.route(FILES_PATH, assets.routes())
  app.get(AUTHORIZE_PATH, (c) => authorize(c, services))
  app.post(AUTHORIZE_PATH, (c) => forwardPost(c, services))
  app.post(SIGN_IN_PATH, (c) => submitSignIn(c, services))
  app.post(CONSENT_PATH, (c) => submitConsent(c, services))
  refuseOthers(app, { [AUTHORIZE_PATH]: 'GET, HEAD, POST', [SIGN_IN_PATH]: 'POST', [CONSENT_PATH]: 'POST' })
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

/** Refuses the other methods of paths (RFC 9110 §15.5.6). */
function refuseOthers(app: Hono, allowed: Readonly<Record<string, string>>): void {
  for (const [path, allow] of Object.entries(allowed)) {
    app.all(path, (c) => {
      c.header('Allow', allow)
      throw new PageError(METHOD_NOT_ALLOWED)
    })
  }
}
