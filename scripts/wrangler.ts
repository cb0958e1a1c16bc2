import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What keeps wrangler from asking, reporting or looking for updates, and from storing each local request. */
export const QUIET_WRANGLER = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  X_LOCAL_OBSERVABILITY: 'false',
  X_LOCAL_EXPLORER: 'false',
}

/** Starts wrangler under the Node that runs this script. */
export function spawnWrangler(parameters: string[], options: SpawnOptions = {}): ChildProcess {
  const main = createRequire(import.meta.url).resolve('wrangler')
  const bin = join(dirname(main), '..', 'bin', 'wrangler.js')
  const env = { ...process.env, ...QUIET_WRANGLER }
  return spawn(process.execPath, [bin, ...parameters], { stdio: 'inherit', env, ...options })
}

/** Runs wrangler to its end. Where it fails, this process ends with its exit code. */
export async function runWrangler(parameters: string[]): Promise<void> {
  const child = spawnWrangler(parameters)
  const code = await new Promise<number>((resolve) => child.on('exit', (status) => resolve(status ?? 1)))
  if (code !== 0) process.exit(code)
}
