import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const PAUSE_MS = 50
/**
 * A stopped process may have sent its refresh and not stored the response. The next process must refresh within the server's
 * retry window of 60 s.
 */
const STALE_MS = 20_000

/**
 * Runs `work` in one process at a time. A process takes over a lock whose owner has ended, or that is older than STALE_MS.
 * Two processes can then work at the same time. If both refresh, the server gives both the same tokens.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  while (!(await take(path))) {
    if (await isStale(path)) await rm(path, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path)
    const pid = Number(await readFile(path, 'utf8'))
    // Math.abs, because the clock may have been set back.
    return Math.abs(Date.now() - mtimeMs) > STALE_MS || (pid > 0 && !isRunning(pid))
  } catch (error) {
    // The owner has released the lock.
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isCode(error, 'ESRCH')
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
