import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { base64url } from 'jose'
import { COMMON_PASSWORDS, fingerprintOf, packFingerprints } from '../src/users/common_passwords.ts'

/** The module with the packed list. */
export const LIST_FILE = 'src/users/common_password_list.ts'

const SOURCE = '@zxcvbn-ts/language-common/src/passwords.json'

/** The lowest value of `minimum_password_length`, which refuses shorter passwords. */
const SHORTEST = 8

/** The most common passwords that are long enough. The source is sorted by frequency. */
export function commonPasswords(): string[] {
  const path = createRequire(import.meta.url).resolve(SOURCE)
  const all: string[] = JSON.parse(readFileSync(path, 'utf8'))
  return all.filter((password) => [...password].length >= SHORTEST).slice(0, COMMON_PASSWORDS)
}

/** The text of the module. */
export function formatListModule(): string {
  const packed = base64url.encode(packFingerprints(commonPasswords().map(fingerprintOf)))
  return `/** The fingerprints of the most common passwords. \`npm run common-passwords\` writes this file. */
export const FINGERPRINTS: string =
  '${packed}'
`
}
