import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  COMMON_PASSWORDS,
  COMMON_PASSWORDS_FILE,
  fingerprintOf,
  packFingerprints,
} from '../src/users/common_passwords.ts'
import { STATIC_FOLDER } from './static_files.ts'

/** The path of the packed list. */
export const LIST_FILE = join(STATIC_FOLDER, COMMON_PASSWORDS_FILE)

const SOURCE = '@zxcvbn-ts/language-common/src/passwords.json'

/** The lowest value of `minimum_password_length`, which refuses shorter passwords. */
const SHORTEST = 8

/** The most common passwords that are long enough. The source is sorted by frequency. */
export function commonPasswords(): string[] {
  const path = createRequire(import.meta.url).resolve(SOURCE)
  const all: string[] = JSON.parse(readFileSync(path, 'utf8'))
  return all.filter((password) => [...password].length >= SHORTEST).slice(0, COMMON_PASSWORDS)
}

/** The content of the file. */
export function packCommonPasswords(): Uint8Array {
  return packFingerprints(commonPasswords().map(fingerprintOf))
}
