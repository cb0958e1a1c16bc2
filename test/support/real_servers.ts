import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, bundleWorker, readBundle } from '../../scripts/worker_bundle.ts'
import {
  makeTemporaryDirectory,
  type ServiceServer,
  startService,
  startWorker,
  type WorkerServer,
} from '../../scripts/worker_server.ts'
import { buildOnce, serviceBundle } from './shared_builds.ts'

/** An API that has only the address of the service. */
export interface ApiOptions {
  issuer: string
  audience: string
  pollSeconds?: number
}

/** The service and APIs for tests in Node. Each runs in its own workerd on the loopback address, with stores on disk. */
export class RealServers {
  readonly service: ServiceServer
  readonly #directory: string
  readonly #api: Bundle
  readonly #apis: WorkerServer[] = []

  private constructor(directory: string, service: ServiceServer, api: Bundle) {
    this.#directory = directory
    this.service = service
    this.#api = api
  }

  /** Builds the Workers and starts the service, with the demo data of `npm start`. */
  static async start(): Promise<RealServers> {
    const directory = makeTemporaryDirectory()
    const [service, api] = await Promise.all([
      serviceBundle(),
      buildOnce('api', (built) => bundleWorker(built, '--config', API_CONFIG)),
    ])
    const stateDirectory = join(directory, 'state')
    return new RealServers(directory, await startService(service, { stateDirectory }), readBundle(api))
  }

  /** Starts `test/e2e/api` for the storefront's audience. */
  async startApi(pollSeconds: number): Promise<WorkerServer> {
    const { config } = this.service
    const api = await startWorker(this.#api, API_CONFIG, {
      variables: {
        ISSUER: config.issuer,
        AUDIENCE: config.apis.get('storefront')?.audience ?? '',
        POLL_SECONDS: String(pollSeconds),
      },
    })
    this.#apis.push(api)
    return api
  }

  async close(): Promise<void> {
    await Promise.all([this.service, ...this.#apis].map((server) => server.close()))
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

const API_CONFIG = 'test/e2e/api/wrangler.toml'
