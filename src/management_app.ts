import { Hono } from 'hono'
import { createAccountApp } from './account/account_app.tsx'
import { createAccountApi } from './account/api/account_api.ts'
import { createAdminApp } from './admin/admin_app.ts'
import { ADMIN_PATH } from './admin/admin_path.ts'
import { ACCOUNT_API_PATH, ACCOUNT_PAGES_PATH } from './config/account_path.ts'
import { createConsole } from './console/console_app.tsx'
import { CONSOLE_PATH } from './console/console_path.ts'
import type { Server } from './console/server.ts'
import { addAtFirstRequest } from './http/add_at_first_request.ts'
import type { Management, ManagementBindings } from './http/management.ts'
import type { ManagementServices } from './services/management_services.ts'

type ManagementApp = Hono<{ Bindings: ManagementBindings }>

/** Creates the admin API, the console and the account pages. The token service checks the host of each request. */
export function createManagement(services: ManagementServices): Management {
  const app = createManagementRoutes(services)
  return async ({ request, server, context }) => app.fetch(request, { server }, context)
}

/** Creates every route of the Worker of management. */
export function createManagementRoutes(services: ManagementServices): ManagementApp {
  const app: ManagementApp = new Hono()
  const { adminApi } = services.config
  if (adminApi) {
    addConsole(app, services)
    app.route(ADMIN_PATH, createAdminApp(services, adminApi))
  }
  // The paths of the JSON API are below those of the pages.
  addAtFirstRequest(app, [ACCOUNT_API_PATH, `${ACCOUNT_API_PATH}/*`], () => createAccountApi(services))
  addAtFirstRequest(app, [`${ACCOUNT_PAGES_PATH}/*`], () => createAccountApp(services))
  return app
}

function addConsole(app: ManagementApp, { consoleSealer: sealer, config, clock }: ManagementServices): void {
  const isForAdminApi = ({ url }: Request) => url.startsWith(`${config.issuer}${ADMIN_PATH}/`)
  const server: Server = (request, { env, executionCtx }) =>
    isForAdminApi(request) ? app.fetch(request, env, executionCtx) : env.server(request)
  addAtFirstRequest(app, [`${CONSOLE_PATH}/*`], () => createConsole({ server, sealer, config, clock }))
}
