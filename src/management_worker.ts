import { WorkerEntrypoint } from 'cloudflare:workers'
import configText from '../dist/config.txt'
import { parseBuiltSettings } from './config/built_settings.ts'
import { resolveConfig } from './config/config.ts'
import type { Management } from './http/management.ts'
import { systemClock } from './lib/clock.ts'
import { createManagement } from './management_app.ts'
import { type ManagementEnv, requireEnvironment } from './services/environment.ts'
import type { ManagementBinding, ManagementSettings, Server } from './services/management_binding.ts'
import { createManagementServices } from './services/management_services.ts'

const builtSettings = parseBuiltSettings(configText)

/** The app of this isolate, and the settings with which it was created. */
let opened: { key: string; management: Management } | null = null

/** The Worker of management. Only the token service calls it: it has no address. */
export default class extends WorkerEntrypoint<ManagementEnv> implements ManagementBinding {
  /** Handles a request. @throws EnvironmentError */
  handle(
    request: Request,
    { server, settings }: { server: Server; settings: ManagementSettings },
  ): Promise<Response> {
    return openManagement(this.env, settings)({ request, server, context: this.ctx })
  }

  /** Cloudflare requires a handler of events. No request reaches it, because the Worker has no route. */
  override async fetch(): Promise<Response> {
    return new Response(null, { status: 404 })
  }
}

/** The app of this isolate. It is created again after a change of the settings. @throws EnvironmentError */
function openManagement(env: ManagementEnv, settings: ManagementSettings): Management {
  const key = JSON.stringify(settings)
  if (opened?.key === key) return opened.management
  const config = resolveConfig(builtSettings, settings.LOCAL_PORT, settings.LOCAL_AUDIENCES)
  const environment = requireEnvironment({ ...env, ...settings }, config, 'management')
  const management = createManagement(createManagementServices(environment, config, systemClock))
  opened = { key, management }
  return management
}
