import { type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

const OF_OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022

/**
 * How other users of this machine can access a secret file, each problem with its remedy; empty if they cannot, or if the file
 * does not exist. Windows has no such modes: other users cannot read the profile of a user.
 */
export function findExposures(path: string): string[] {
  const file = findStats(path)
  if (file === null || process.platform === 'win32') return []
  const directory = dirname(path)
  const directoryMode = findStats(directory)?.mode ?? 0
  return [
    file.uid !== process.getuid?.() && `${path} belongs to another user: remove it and sign in again`,
    (file.mode & OF_OTHERS) !== 0 &&
      `other users can read ${path} (mode ${formatMode(file.mode)}): chmod 600 it, sign out and sign in again`,
    (directoryMode & WRITABLE_BY_OTHERS) !== 0 &&
      `other users can replace files in ${directory} (mode ${formatMode(directoryMode)}): chmod 700 it`,
  ].filter((problem) => problem !== false)
}

/** Whether other users of this machine can read a file. */
export function isReadByOthers(path: string): boolean {
  return process.platform !== 'win32' && ((findStats(path)?.mode ?? 0) & OF_OTHERS) !== 0
}

function findStats(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null
}

function formatMode(mode: number): string {
  return (mode & 0o777).toString(8)
}
