import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import type { Env } from '../src/services.ts'
import { requireConfig } from './config_file.ts'
import { seedDemoData } from './demo_data.ts'
import { ensureDevVars } from './dev_vars.ts'
import { migrate, withLocalStores } from './local_stores.ts'
import { QUIET_WRANGLER, spawnWrangler } from './wrangler.ts'

const HOST = '127.0.0.1'
const DEFAULT_PORT = '8787'
const READY_WITHIN_MS = 60_000
const PARENT_CHECK_MS = 500

const port = readPort()
const config = requireConfig({ localPort: port })
await requireFreePort()
Object.assign(process.env, QUIET_WRANGLER)
const isNewKey = ensureDevVars()
await prepareStores(config, isNewKey)
const server = startServer()
await untilReady(server)
printWelcome(config)

function readPort(): string {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string', default: DEFAULT_PORT } } })
    if (/^[1-9]\d{0,4}$/.test(values.port) && Number(values.port) < 65536) return values.port
  } catch {
    // An unknown option: the usage below says what there is.
  }
  return stop('usage: npm start [-- --port N], N from 1 to 65535')
}

async function requireFreePort(): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.once('error', () => stop(`port ${port} is taken: npm start -- --port N uses another`))
    probe.listen(Number(port), HOST, () => probe.close(() => resolve()))
  })
}

async function prepareStores(config: Config, isNewKey: boolean): Promise<void> {
  await withLocalStores(async (env) => {
    const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
    for (const binding of bindings) await migrate(requireDatabase(env, binding))
    if (isNewKey && (await env.DB.prepare('SELECT 1 FROM signing_keys').first()) !== null) {
      stop(
        '.dev.vars has a new SEALING_KEY, which cannot open the stored signing keys: npm run reset, or restore it',
      )
    }
    if (isLoopback(config.issuer)) await seedDemoData(env, config)
  })
}

function requireDatabase(env: Env, binding: string): D1Database {
  const database = new Map(Object.entries(env)).get(binding)
  return database ?? stop(`config.yml: session_shards: wrangler.toml has no D1 binding ${binding}`)
}

/** The server in a process group of its own, so that workerd, its grandchild, ends with this script. */
function startServer(): ChildProcess {
  const child = spawnWrangler(
    [
      ...['dev', '--ip', HOST, '--port', port, '--inspector-port', '0'],
      ...['--show-interactive-dev-session=false', '--var', `LOCAL_PORT:${port}`],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], detached: true },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => endGroup(child))
  child.on('exit', (code) => process.exit(code ?? 0))
  // npm passes a SIGTERM to the shell between us, which ends without passing it on.
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && endGroup(child), PARENT_CHECK_MS).unref()
  return child
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM')
}

async function untilReady(child: ChildProcess): Promise<void> {
  const end = Date.now() + READY_WITHIN_MS
  while (Date.now() < end) {
    const response = await fetch(`http://${HOST}:${port}/health/ready`).catch(() => null)
    if (response?.ok) return
    await sleep(100)
  }
  endGroup(child)
  stop(`the server was not ready within ${READY_WITHIN_MS / 1000} s`)
}

function printWelcome(config: Config): void {
  console.log(`\nSallyport is ready on http://${HOST}:${port}`)
  if (!isLoopback(config.issuer)) {
    console.log(`The issuer is ${config.issuer}, so there is no demo data.\n`)
    return
  }
  console.log(`Get a first token:

  curl http://${HOST}:${port}/oauth2-token -H 'Content-Type: application/json' -d '{"grant_type":"password","client_id":"storefront-demo","client_secret":"storefront-demo-secret","username":"amanda@example.com","password":"correct horse battery staple"}'
`)
}

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}
