import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bundle, bundleService, readBundle } from '../../scripts/worker_bundle.ts'
import { buildsDirectory } from './run_directory.ts'

/**
 * Builds once in a run: the first file builds, and the others wait. Do not write to the directory.
 *
 * @param build Writes to the given directory.
 * @returns the directory
 */
export async function buildOnce(
  name: string,
  build: (directory: string) => Promise<unknown>,
): Promise<string> {
  const directory = join(buildsDirectory(), name)
  mkdirSync(buildsDirectory(), { recursive: true })
  while (!existsSync(directory)) {
    if (isFirst(directory)) await buildAs(directory, build)
    else await sleep(50)
  }
  return directory
}

/** Both Workers of the service, as `wrangler deploy` bundles them. */
export async function serviceBundle(): Promise<Bundle> {
  return readBundle(await buildOnce('service', (directory) => bundleService(directory)))
}

const lockOf = (directory: string) => `${directory}.lock`

function isFirst(directory: string): boolean {
  try {
    mkdirSync(lockOf(directory))
    return true
  } catch {
    return false
  }
}

async function buildAs(directory: string, build: (directory: string) => Promise<unknown>): Promise<void> {
  const draft = `${directory}.draft`
  try {
    await build(draft)
    renameSync(draft, directory)
  } catch (error) {
    // The next file tries again and fails with the reason, too.
    rmSync(lockOf(directory), { recursive: true })
    throw error
  }
}
