import type { Hono } from 'hono'
import { addPage } from '../browser/add_page.ts'
import { createBrowserServices } from '../browser/create_browser_services.ts'
import { withTexts } from '../browser/looks.ts'
import { showError } from '../browser/show_error.tsx'
import { ACCOUNT_PAGES_PATH } from '../config/account_path.ts'
import { createPageApp } from '../pages/page_app.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'
import type { ManagementServices } from '../services/management_services.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountPageServices } from './account_page_services.ts'
import { accountPagesOf } from './account_pages.ts'
import { readAccountRequest } from './account_request.ts'
import { chooseAccount } from './choose_page.tsx'

/** Creates the account pages: one page for each section of the account of a user. */
export function createAccountApp(shared: ManagementServices): Hono {
  const services = createBrowserServices(shared)
  const app = createPageApp({
    basePath: ACCOUNT_PAGES_PATH,
    issuer: shared.config.issuer,
    showError: (c, error) => showError(c, error, services),
  })
  app.use(withTexts(services))
  addPage(app, '/', { GET: (c) => chooseAccount(c, services) })
  for (const page of accountPagesOf(shared.config)) addAccountPage(app, page, services)
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

function addAccountPage(
  app: Hono,
  { path, isAlwaysOn = false, GET, POST }: AccountPage,
  services: AccountPageServices,
): void {
  const wrap = (handler: AccountPage['GET']) =>
    handler &&
    ((c: Parameters<typeof readAccountRequest>[0]) => handler(readAccountRequest(c, !isAlwaysOn, services)))
  addPage(app, `/:pool${path}`, { GET: wrap(GET), POST: wrap(POST) })
}
