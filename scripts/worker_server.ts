import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  convertV4MiniflareOptions,
  Miniflare,
  Response,
  type V4SharedOptions,
  type V4WorkerOptions,
} from 'miniflare'
import {
  unstable_getMiniflareWorkerOptions as readWorkerOptions,
  unstable_readConfig as readWranglerConfig,
} from 'wrangler'
import type { Config } from '../src/config/config.ts'
import { compact } from '../src/lib/compact.ts'
import { databaseBindings, type Env } from '../src/services/environment.ts'
import { requireConfig } from './config_file.ts'
import { seedDemoData } from './demo_data.ts'
import { reservePort } from './free_port.ts'
import { migrate } from './local_stores.ts'
import { MANAGEMENT, writeManagementConfig } from './management_config.ts'
import type { Bundle } from './worker_bundle.ts'
import { ASSETS } from './wrangler_toml.ts'

const ADDRESS = '127.0.0.1'

/** A Worker in its own workerd on the loopback address, without a proxy. */
export interface WorkerServer {
  /** The origin, without a trailing slash: of the service, its issuer. */
  origin: string
  /** The address of the isolate's debugger; null if it was not requested. */
  inspector: URL | null
  close(): Promise<void>
}

/** The token service with its own stores. */
export interface ServiceServer extends WorkerServer {
  /** The configuration of config.yml, with the issuer and audiences on the port of this server. */
  config: Config
  /** The bindings, for access to D1 and KV while the server runs. */
  stores: Env
  /** Runs the cron trigger once, and waits for its end. */
  runCron(): Promise<void>
  /** Delivers messages of a queue in one batch, as Cloudflare does. @returns the ids of the acknowledged messages */
  deliver(queue: string, messages: readonly { id: string; body: unknown }[]): Promise<string[]>
}

/** The settings with which a service restarts at its address and with its data. Absent ones are new. */
export interface ServiceOptions {
  port?: number
  /** The directory of D1 and KV. */
  stateDirectory?: string
  sealingKey?: string
  /** The Worker secret HASH_KEYS. */
  hashKeys?: string
  /** The bindings of D1 databases that both Workers have in addition to those of wrangler.toml. */
  databases?: readonly string[]
  /** Variables and secrets that replace those of a local server. */
  vars?: Record<string, string>
  /** Adds rows before the first request. */
  fill?: (env: Env) => Promise<void>
  /** Whether a debugger can inspect the heap. */
  inspect?: boolean
  /** Whether the budgets of a minute are so large that a measurement cannot use them up. The Worker still counts each request. */
  hasLargeBudgets?: boolean
  /** Whether the log lines of the service are not printed. */
  isSilent?: boolean
}

/** Makes a directory for the files of a run. It is removed when the process ends. */
export function makeTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Starts the service with the demo data. Without a Worker of management, it has no admin API, console and account pages. */
export async function startService(
  { directory, modules, management }: Bundle,
  {
    port,
    stateDirectory,
    sealingKey,
    hashKeys,
    databases = [],
    vars,
    fill,
    inspect,
    hasLargeBudgets,
    isSilent,
  }: ServiceOptions = {},
): Promise<ServiceServer> {
  // The issuer has its port in it, so it must be known before the Worker starts.
  const localPort = String(port ?? (await reservePort()))
  const config = requireConfig({ localPort })
  const { workerOptions } = readWorkerOptions('wrangler.toml')
  const secrets = compact({
    SEALING_KEY: sealingKey ?? randomBytes(32).toString('base64url'),
    LOCAL_PORT: localPort,
    LOCAL_INBOX: 'true',
    ...vars,
    HASH_KEYS: hashKeys,
  })
  const bindings = Object.assign({}, workerOptions.bindings, secrets)
  const { name = '' } = readWranglerConfig({ config: 'wrangler.toml' })
  const worker: V4WorkerOptions = { ...workerOptions, name, bindings, modulesRoot: directory, modules }
  const bound = management === null ? [] : [managementOf(management)]
  const [first = worker, ...others] = [worker, ...bound]
    .map((one) => withDatabases(one, databases))
    .map(hasLargeBudgets ? withLargeBudgets : (one) => one)
  const { server, miniflare } = await start(first, others, {
    port: Number(localPort),
    resourcePersistencePath: stateDirectory ?? makeTemporaryDirectory(),
    ...(inspect ? { inspectorPort: 0 } : {}),
    ...(isSilent ? { handleStructuredLogs: () => {} } : {}),
  })
  const stores = await miniflare.getBindings<Env>()
  await prepareStores(stores, config, databases)
  await fill?.(stores)
  const runCron = async () => {
    await (await miniflare.getWorker()).scheduled({ cron: '*/5 * * * *' })
  }
  const deliver = async (queue: string, messages: readonly { id: string; body: unknown }[]) => {
    const sent = messages.map((message) => ({ ...message, timestamp: new Date(), attempts: 1 }))
    const { explicitAcks } = await (await miniflare.getWorker()).queue(queue, sent)
    return explicitAcks
  }
  return { ...server, origin: config.issuer, config, stores, runCron, deliver }
}

/** The Worker of management, which only the service calls. */
function managementOf({ directory, modules }: Bundle): V4WorkerOptions {
  const path = writeManagementConfig()
  const { name = '' } = readWranglerConfig({ config: path })
  return { ...readWorkerOptions(path).workerOptions, name, modulesRoot: directory, modules }
}

/** Serves the static files to the other Workers. */
const ASSETS_WORKER = {
  name: 'assets',
  modules: true,
  script: `export default { fetch: (request, env) => env.${ASSETS}.fetch(request) }`,
}

/** The Worker, which gets its static files from another one. */
function withAssetsApart(worker: V4WorkerOptions): V4WorkerOptions {
  const { assets, ...others } = worker
  if (!assets) return worker
  return { ...others, serviceBindings: { ...worker.serviceBindings, [ASSETS]: ASSETS_WORKER.name } }
}

/** The Worker without the Worker of management. Requests for it get 503. */
function withoutManagement(worker: V4WorkerOptions): V4WorkerOptions {
  if (!worker.serviceBindings) return worker
  return { ...worker, serviceBindings: { [MANAGEMENT]: () => new Response(null, { status: 503 }) } }
}

/** The Worker with budgets that no measurement uses up. */
function withLargeBudgets({ ratelimits = {}, ...worker }: V4WorkerOptions): V4WorkerOptions {
  const large = Object.entries(ratelimits).map(([name, budget]) => [
    name,
    { ...budget, simple: { ...budget.simple, limit: 1e9 } },
  ])
  return { ...worker, ratelimits: Object.fromEntries(large) }
}

/** The Worker with further D1 databases. The name of a database is that of its binding. */
function withDatabases(
  { d1Databases = {}, ...worker }: V4WorkerOptions,
  bindings: readonly string[],
): V4WorkerOptions {
  const further = Object.fromEntries(bindings.map((binding) => [binding, { id: binding }]))
  return { ...worker, d1Databases: { ...d1Databases, ...further } }
}

/** Starts another Worker by its own configuration file. @param stores Its port and its data; new ones if absent */
export async function startWorker(
  { directory, modules }: Bundle,
  configPath: string,
  {
    variables = {},
    ...stores
  }: { variables?: Record<string, string>; port?: number; stateDirectory?: string } = {},
): Promise<WorkerServer> {
  const { workerOptions } = readWorkerOptions(configPath)
  const bindings = Object.assign({}, workerOptions.bindings, variables)
  const { port = 0, stateDirectory } = stores
  const persistence = stateDirectory === undefined ? {} : { resourcePersistencePath: stateDirectory }
  const worker = { ...workerOptions, bindings, modulesRoot: directory, modules }
  return (await start(worker, [], { port, ...persistence })).server
}

/** Starts a Worker of one module, with the compatibility date of the service. */
export async function startScript(script: string): Promise<WorkerServer> {
  const { compatibilityDate } = readWorkerOptions('wrangler.toml').workerOptions
  return (await start({ script, modules: true, compatibilityDate: String(compatibilityDate) })).server
}

/**
 * Starts a Worker and those that it calls in one process. The Worker gets its own socket and has no static files, because each proxy
 * of Miniflare costs more than a request: the one before all Workers, and the one before a Worker with static files.
 */
async function start(
  worker: V4WorkerOptions,
  bound: V4WorkerOptions[] = [],
  { port = 0, ...shared }: V4SharedOptions = {},
) {
  const first = bound.length === 0 ? withoutManagement(worker) : worker
  const { assets } = worker
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: ADDRESS,
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      unsafeLocalExplorer: false,
      unsafeObservability: false,
      ...shared,
      workers: [
        { ...withAssetsApart(first), unsafeDirectSockets: [{ host: ADDRESS, port }] },
        ...bound.map(withAssetsApart),
        ...(assets ? [{ ...ASSETS_WORKER, assets }] : []),
      ],
    }),
  )
  await miniflare.ready
  const { origin } = await miniflare.unsafeGetDirectURL()
  const inspector = shared.inspectorPort === undefined ? null : await miniflare.getInspectorURL()
  return { miniflare, server: { origin, inspector, close: () => miniflare.dispose() } }
}

async function prepareStores(env: Env, config: Config, further: readonly string[]): Promise<void> {
  const databases = new Map<string, unknown>(Object.entries(env))
  for (const binding of [...databaseBindings(config), ...further])
    await migrate(databases.get(binding) as D1Database)
  await seedDemoData(env, config)
}
