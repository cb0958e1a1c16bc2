import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare, type V4SharedOptions, type V4WorkerOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler'
import type { Config } from '../src/config/config.ts'
import type { Env } from '../src/services/services.ts'
import { requireConfig } from './config_file.ts'
import { seedDemoData } from './demo_data.ts'
import { migrate } from './local_stores.ts'
import type { Bundle } from './worker_bundle.ts'

const HOST = '127.0.0.1'

/** A Worker in a workerd of its own, on the loopback, asked without a proxy before it. */
export interface WorkerServer {
  /** Without a slash at its end. */
  origin: string
  /** Where the debugger of its isolate listens; null unless it was asked for. */
  inspector: URL | null
  close(): Promise<void>
}

/** The token service, on stores of its own. */
export interface ServiceServer extends WorkerServer {
  /** That of config.yml, its issuer and audiences on the port of this server. */
  config: Config
  /** Its bindings, to look into D1 and KV while it runs. */
  stores: Env
}

/** What a service needs to come back as it was: at its address, on its data. All new where absent. */
export interface ServiceOptions {
  port?: number
  /** Where D1 and KV are. */
  stateDirectory?: string
  sealingKey?: string
  /** The Worker secret HASH_KEYS. */
  hashKeys?: string
  /** Adds rows before the first request. */
  fill?: (env: Env) => Promise<void>
  /** Whether a debugger may look at its heap. */
  inspect?: boolean
}

/** A new directory for everything that a run writes. It is gone when the process ends. */
export function makeTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The service with the demo data. */
export async function startService(
  { directory, modules }: Bundle,
  { port, stateDirectory, sealingKey, hashKeys, fill, inspect }: ServiceOptions = {},
): Promise<ServiceServer> {
  // The issuer has its port in it, so it must be known before the Worker starts.
  const localPort = String(port ?? (await findFreePort()))
  const config = requireConfig({ localPort })
  const { workerOptions } = readWorkerOptions('wrangler.toml')
  const secrets = {
    SEALING_KEY: sealingKey ?? randomBytes(32).toString('base64url'),
    LOCAL_PORT: localPort,
    ...(hashKeys === undefined ? {} : { HASH_KEYS: hashKeys }),
  }
  const bindings = Object.assign({}, workerOptions.bindings, secrets)
  const { server, miniflare } = await start(
    { ...workerOptions, bindings, modulesRoot: directory, modules },
    {
      port: Number(localPort),
      resourcePersistencePath: stateDirectory ?? makeTemporaryDirectory(),
      ...(inspect ? { inspectorPort: 0 } : {}),
    },
  )
  const stores = await miniflare.getBindings<Env>()
  await prepareStores(stores, config)
  await fill?.(stores)
  return { ...server, config, stores }
}

/** Another Worker, as its own configuration file has it. */
export async function startWorker(
  { directory, modules }: Bundle,
  configPath: string,
  variables: Record<string, string> = {},
): Promise<WorkerServer> {
  const { workerOptions } = readWorkerOptions(configPath)
  const bindings = Object.assign({}, workerOptions.bindings, variables)
  return (await start({ ...workerOptions, bindings, modulesRoot: directory, modules })).server
}

/** A Worker of one module, with the compatibility date of the service. */
export async function startScript(script: string): Promise<WorkerServer> {
  const { compatibilityDate } = readWorkerOptions('wrangler.toml').workerOptions
  return (await start({ script, modules: true, compatibilityDate: String(compatibilityDate) })).server
}

/** The Worker has a socket of its own: Miniflare's, in front of it, costs more than a request does. */
async function start(worker: V4WorkerOptions, { port = 0, ...shared }: V4SharedOptions = {}) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      unsafeLocalExplorer: false,
      unsafeObservability: false,
      ...shared,
      workers: [{ ...worker, unsafeDirectSockets: [{ host: HOST, port }] }],
    }),
  )
  await miniflare.ready
  const { origin } = await miniflare.unsafeGetDirectURL()
  const inspector = shared.inspectorPort === undefined ? null : await miniflare.getInspectorURL()
  return { miniflare, server: { origin, inspector, close: () => miniflare.dispose() } }
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, HOST)
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function prepareStores(env: Env, config: Config): Promise<void> {
  const databases = new Map<string, unknown>(Object.entries(env))
  const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
  for (const binding of bindings) await migrate(databases.get(binding) as D1Database)
  await seedDemoData(env, config)
}
