import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL_STATE } from './local_stores.ts'

/** The directory with a file for each process that serves from the local stores. The file's name is the process id. */
const DIRECTORY = 'servers'

/** A process that serves from the local stores. */
export interface LocalServer {
  pid: number
  /** Such as `npm start`. */
  command: string
}

/** Records that this process serves, so that `npm run reset` refuses. The record ends with the process. */
export function recordServer(command: string, localState = LOCAL_STATE): void {
  const directory = join(localState, DIRECTORY)
  const file = join(directory, String(process.pid))
  mkdirSync(directory, { recursive: true })
  writeFileSync(file, command)
  process.once('exit', () => rmSync(file, { force: true }))
}

/** The recorded servers that still run. The record of a process that was killed does not count. */
export function listServers(localState = LOCAL_STATE): LocalServer[] {
  const directory = join(localState, DIRECTORY)
  return listFiles(directory)
    .filter((name) => isRunning(Number(name)))
    .map((name) => ({ pid: Number(name), command: readFileSync(join(directory, name), 'utf8') }))
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // No server was ever started here.
    return []
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process runs as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
