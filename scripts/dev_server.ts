import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalWorker } from './local_stores.ts'
import { stop } from './stop.ts'
import { spawnWrangler } from './wrangler.ts'

/** The host of local URLs. Passkeys need a host name (WebAuthn §5.1.3), so it is no IP address. */
export const HOST = 'localhost'
/** The address on which the servers listen. Clients that try `::1` for `localhost` first then try this address. */
const ADDRESS = '127.0.0.1'
const READY_WITHIN_MS = 60_000
const PARENT_CHECK_MS = 500
const END_WITHIN_MS = 5000

export interface DevServerOptions extends LocalWorker {
  port: number
  /** The configurations of Workers that only this Worker calls. They run in the same process. */
  boundWorkers?: readonly string[]
  /** Variables that replace those in wrangler.toml. */
  vars: Record<string, string>
  /** The https origin of the requests for the Worker. With an https issuer, the Worker refuses other origins. */
  appearsAt?: string
  /** Prints only warnings and errors, without a line for each request. */
  isQuiet?: boolean
}

/** Ends this process if another server has a port of `localhost`, by IPv4 or IPv6. @param remedy The advice for the user. */
export async function requireFreePort(port: number, remedy: string): Promise<void> {
  for (const address of [ADDRESS, '::1'])
    if (await isTaken(port, address)) stop(`port ${port} is taken: ${remedy}`)
}

function isTaken(port: number, address: string): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    // A machine without IPv6 has no `::1`.
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'EADDRNOTAVAIL' && error.code !== 'EAFNOSUPPORT'),
    )
    probe.listen(port, address, () => probe.close(() => resolve(false)))
  })
}

/** Starts `wrangler dev` in its own process group, so that its grandchild workerd ends with this process. */
export function startDevServer(options: DevServerOptions): ChildProcess {
  const { configPath, statePath, port, vars, appearsAt, boundWorkers = [], isQuiet = false } = options
  const configs = [configPath, ...boundWorkers].flatMap((path) => ['--config', path])
  return spawnWrangler(
    [
      'dev',
      ...configs,
      '--persist-to',
      statePath,
      '--ip',
      ADDRESS,
      '--port',
      String(port),
      '--inspector-port',
      '0',
      '--show-interactive-dev-session=false',
      '--log-level',
      isQuiet ? 'error' : 'log',
      ...(appearsAt ? ['--host', new URL(appearsAt).host, '--upstream-protocol', 'https'] : []),
      ...Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], detached: true },
  )
}

/** Ends the servers together with this process, and with each other. */
export function endTogether(servers: readonly ChildProcess[]): void {
  let isEnding = false
  function endAll(): void {
    if (isEnding) return
    isEnding = true
    signalGroups(servers, 'SIGTERM')
    // wrangler does not always end on its own: for example after several signals, or after workerd has ended.
    setTimeout(() => signalGroups(servers, 'SIGKILL'), END_WITHIN_MS)
  }
  process.on('exit', endAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endAll)
  for (const server of servers) {
    server.on('exit', (code) => {
      endAll()
      process.exitCode ??= code ?? 0
      if (servers.every(hasEnded)) process.exit()
    })
  }
  // npm sends SIGTERM to the shell that started this process. The shell ends without sending it further.
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && endAll(), PARENT_CHECK_MS).unref()
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function signalGroups(servers: readonly ChildProcess[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const server of servers) {
    if (server.pid === undefined || hasEnded(server)) continue
    process.kill(process.platform === 'win32' ? server.pid : -server.pid, signal)
  }
}

/** Waits until an address responds with a status below 500; after `withinMs`, ends this process with the last response. */
export async function untilReady(url: string, withinMs = READY_WITHIN_MS): Promise<void> {
  const end = Date.now() + withinMs
  let last = 'no response'
  while (Date.now() < end) {
    const response = await fetch(url, { signal: AbortSignal.timeout(end - Date.now()) }).catch(() => null)
    if (response && response.status < 500) return
    if (response) last = await response.text().catch(() => last)
    await sleep(100)
  }
  stop(`${url} was not ready within ${withinMs / 1000} s: ${last}`)
}
