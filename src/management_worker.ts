import { WorkerEntrypoint } from 'cloudflare:workers'
import configText from '../dist/config.txt'
import { parseBuiltSettings } from './config/built_settings.ts'
import { resolveConfig } from './config/config.ts'
import { runCron } from './cron.ts'
import type { Management } from './http/management.ts'
import { systemClock } from './lib/clock.ts'
import { createManagement } from './management_app.ts'
import { type ManagementEnv, requireEnvironment } from './services/environment.ts'
import type { ManagementBinding, ManagementSettings, Server } from './services/management_binding.ts'
import { createManagementServices, type ManagementServices } from './services/management_services.ts'

const builtSettings = parseBuiltSettings(configText)

interface Opened {
  services: ManagementServices
  management: Management
}

/** The services and the app of this isolate, and the settings with which they were created. */
let opened: (Opened & { key: string }) | null = null

/** The Worker of management. Only the token service calls it: it has no address. */
export default class extends WorkerEntrypoint<ManagementEnv> implements ManagementBinding {
  /** Handles a request. @throws EnvironmentError */
  handle(
    request: Request,
    { server, settings }: { server: Server; settings: ManagementSettings },
  ): Promise<Response> {
    return open(this.env, settings).management({ request, server, context: this.ctx })
  }

  /** Runs the work of the cron trigger of the token service. @throws EnvironmentError */
  async runCron(settings: ManagementSettings): Promise<void> {
    await runCron(open(this.env, settings).services, (work) => this.ctx.waitUntil(work))
  }

  /** Cloudflare requires a handler of events. No request reaches it, because the Worker has no route. */
  override async fetch(): Promise<Response> {
    return new Response(null, { status: 404 })
  }
}

/** The services and the app of this isolate. They are created again after a change of the settings. @throws EnvironmentError */
function open(env: ManagementEnv, settings: ManagementSettings): Opened {
  const key = JSON.stringify(settings)
  if (opened?.key === key) return opened
  const config = resolveConfig(builtSettings, settings.LOCAL_PORT, settings.LOCAL_AUDIENCES)
  const environment = requireEnvironment({ ...env, ...settings }, config, 'management')
  const services = createManagementServices(environment, config, systemClock)
  opened = { key, services, management: createManagement(services) }
  return opened
}
