import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

/** The file system in memory of Linux. */
const MEMORY = '/dev/shm'
/** Far more than the tests use. The default of a container is 64 MB, which is too little. */
const NEEDED_BYTES = 2e9

/**
 * Puts the temporary files of this process and its children into memory, if the system has such a file system. Each commit of a
 * local D1 on a disk waits for the disk. Removes the files at the end of the process.
 */
export function keepTemporaryFilesInMemory(): void {
  if (process.env.TMPDIR?.startsWith(MEMORY) || !hasMemory()) return
  const directory = mkdtempSync(join(MEMORY, 'sallyport-tests-'))
  // Apache reads its pages as another user.
  chmodSync(directory, 0o711)
  process.env.TMPDIR = directory
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
}

function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize > NEEDED_BYTES
  } catch {
    return false
  }
}
