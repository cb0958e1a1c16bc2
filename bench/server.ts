import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare, type V4SharedOptions, type V4WorkerOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler'
import { requireConfig } from '../scripts/config_file.ts'
import { seedDemoData } from '../scripts/demo_data.ts'
import { migrate } from '../scripts/local_stores.ts'
import type { Env } from '../src/services.ts'
import type { Bundle } from './build.ts'

/** A Worker in a workerd of its own, on a free port of the loopback. */
export interface Server {
  /** Without a slash at its end. */
  origin: string
  close(): Promise<void>
}

const CONSTANT_WORKER = `export default { fetch: () => Response.json({ status: 'ok' }) }`

/** A new directory for everything that this run writes. It is gone when the process ends. */
export function makeTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The least that a Worker can do: the ceiling of this way of running one. */
export async function startConstant(): Promise<Server> {
  const { compatibilityDate } = readWorkerOptions('wrangler.toml').workerOptions
  const { server } = await start({
    ...{ script: CONSTANT_WORKER, modules: true },
    compatibilityDate: String(compatibilityDate),
  })
  return server
}

/** The service on empty stores of its own under `directory`, with the demo data and a new SEALING_KEY. */
export async function startService({ directory, modules }: Bundle): Promise<Server> {
  const { workerOptions } = readWorkerOptions('wrangler.toml')
  const secrets = { SEALING_KEY: randomBytes(32).toString('base64url') }
  const bindings = Object.assign({}, workerOptions.bindings, secrets)
  const options = { ...workerOptions, bindings, modulesRoot: directory, modules }
  const { server, miniflare } = await start(options, { resourcePersistencePath: join(directory, 'state') })
  await prepareStores(await miniflare.getBindings<Env>())
  return server
}

async function start(worker: V4WorkerOptions, shared: V4SharedOptions = {}) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...shared,
      ...{ host: '127.0.0.1', port: 0, cf: false, telemetry: { enabled: false } },
      ...{ unsafeLocalExplorer: false, unsafeObservability: false },
      workers: [worker],
    }),
  )
  const { origin } = await miniflare.ready
  return { miniflare, server: { origin, close: () => miniflare.dispose() } }
}

async function prepareStores(env: Env): Promise<void> {
  const config = requireConfig()
  const databases = new Map<string, unknown>(Object.entries(env))
  const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
  for (const binding of bindings) await migrate(databases.get(binding) as D1Database)
  await seedDemoData(env, config)
}
