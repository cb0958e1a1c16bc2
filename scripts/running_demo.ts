import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const HOST = 'localhost'
const ADDRESS = '127.0.0.1'
const SERVICES = 5
const START_WITHIN_MS = 120_000
const FIRST_PORT = 20_000
const LAST_PORT = 30_000

export interface Demo {
  issuer: string
  storefrontApi: string
  backofficeApi: string
  shop: string
  /** The URL to which an agent connects. */
  mcpServer: string
  /** The directory of `--state`. */
  state: string
  /** The output of the command until the services were ready. */
  output: string
}

/** Starts `npm run demo` on free ports with an empty state directory. */
export async function startDemo(): Promise<{ demo: Demo; close(): Promise<void> }> {
  const state = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
  const port = await findFreePorts()
  const child = spawnDemo(port, state)
  await untilOpen(child)
  const [issuer = '', storefrontApi = '', backofficeApi = '', shop = '', mcp = ''] = Array.from(
    { length: SERVICES },
    (_, i) => `http://${HOST}:${port + i}`,
  )
  return {
    demo: {
      issuer,
      storefrontApi,
      backofficeApi,
      shop,
      mcpServer: `${mcp}/mcp`,
      state,
      output: child.output(),
    },
    async close() {
      await end(child.process)
      rmSync(state, { recursive: true, force: true })
    },
  }
}

interface DemoProcess {
  process: ChildProcess
  output(): string
}

function spawnDemo(port: number, state: string): DemoProcess {
  const parameters = ['run', 'demo', '--', '--port', String(port), '--state', state]
  const child = spawn('npm', parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  return { process: child, output: () => output }
}

async function untilOpen({ process, output }: DemoProcess): Promise<void> {
  const end = Date.now() + START_WITHIN_MS
  while (!output().includes('The shop is open')) {
    if (process.exitCode !== null || Date.now() > end) throw new Error(`npm run demo failed:\n${output()}`)
    await sleep(100)
  }
}

/** Sends SIGTERM to npm only, as a supervisor does. npm ends the servers. */
async function end(process: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => process.once('exit', resolve))
  process.kill('SIGTERM')
  await ended
}

async function findFreePorts(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    const free = await Promise.all(Array.from({ length: SERVICES }, (_, offset) => isFree(port + offset)))
    if (free.every(Boolean)) return port
  }
  throw new Error('no free ports')
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, ADDRESS, () => probe.close(() => resolve(true)))
  })
}
