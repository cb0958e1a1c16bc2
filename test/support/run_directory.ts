import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** The file system in memory of Linux. */
const MEMORY = '/dev/shm'
/** Far more than the tests use. The default of a container is 64 MB, which is too little. */
const NEEDED_BYTES = 2e9
const PREFIX = 'sallyport-tests-'

/**
 * Gives this process and its children a directory for temporary files and compiled scripts, and removes it at the end. It is in
 * memory if the system has enough: each commit of a local D1 on a disk waits for the disk.
 */
export function makeRunDirectory(): void {
  // vitest reads its configuration twice.
  if (basename(tmpdir()).startsWith(PREFIX)) return
  const directory = mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), PREFIX))
  // Apache reads its pages as another user.
  chmodSync(directory, 0o711)
  process.env.TMPDIR = directory
  // The tests start npm, wrangler and the scripts some hundred times.
  process.env.NODE_COMPILE_CACHE = join(directory, 'compile-cache')
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
}

/** The directory of the builds that the files of a run share. */
export function buildsDirectory(): string {
  return join(tmpdir(), 'builds')
}

/** Removes the builds, for a run after a change of the source. */
export function forgetBuilds(): void {
  rmSync(buildsDirectory(), { recursive: true, force: true })
}

function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize > NEEDED_BYTES
  } catch {
    return false
  }
}
