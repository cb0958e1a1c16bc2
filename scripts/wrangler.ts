import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Variables that turn off wrangler's prompts, reports and update checks, and its store of local requests. */
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

/** Runs wrangler and waits for its end. After a failure this process ends with the same exit code. */
export async function runWrangler(parameters: string[]): Promise<void> {
  const child = spawnWrangler(parameters)
  const code = await new Promise<number>((resolve) => child.on('exit', (status) => resolve(status ?? 1)))
  if (code !== 0) process.exit(code)
}

/** wrangler failed. The message has what wrangler printed. */
export class WranglerFailed extends Error {
  override name = 'WranglerFailed'
}

/** Runs wrangler. @returns its standard output @throws WranglerFailed */
export async function readWrangler(parameters: string[]): Promise<string> {
  const child = spawnWrangler(parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
  const written = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (written.stdout += chunk))
  child.stderr?.on('data', (chunk) => (written.stderr += chunk))
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)))
  if (code !== 0) throw new WranglerFailed(messageOf(written.stdout) ?? (written.stderr || written.stdout))
  return written.stdout
}

/** The message in the JSON that wrangler prints with `--json`; null for other output. */
function messageOf(stdout: string): string | null {
  try {
    const { error } = JSON.parse(stdout)
    return typeof error?.text === 'string' ? error.text : null
  } catch {
    return null
  }
}
