import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { openPrivateJwk, parseSealingKey } from '../src/keys/sealing.ts'

/** The file of the local secrets, which `wrangler dev` reads. */
export const DEV_VARS = '.dev.vars'

const WRONG_KEY = `SEALING_KEY in ${DEV_VARS} is missing, or is not the key of the stored signing keys. Restore the file, or remove all local data: npm run reset`
const MALFORMED_KEY = `SEALING_KEY in ${DEV_VARS} is not 32 bytes in base64url. Remove the line: npm start writes a new one.`

/** A stored signing key. */
export interface SealedKey {
  kid: string
  sealed: string
}

/** The reason why the file cannot open the stored signing keys, or has a malformed SEALING_KEY; null if there is no problem. */
export async function findSealingProblem(
  stored: readonly SealedKey[],
  path = DEV_VARS,
): Promise<string | null> {
  const { SEALING_KEY, SEALING_KEY_NEXT } = parseEnv(readOrEmpty(path))
  const [first, ...others] = [SEALING_KEY, SEALING_KEY_NEXT]
    .map((text) => parseSealingKey(text ?? ''))
    .filter((key) => key !== null)
  if (first === undefined) {
    if (stored.length > 0) return WRONG_KEY
    return SEALING_KEY === undefined ? null : MALFORMED_KEY
  }
  const opening = stored.map(({ kid, sealed }) => openPrivateJwk(kid, sealed, [first, ...others]))
  return Promise.all(opening).then(
    () => null,
    () => WRONG_KEY,
  )
}

/** Whether the file has a line with SEALING_KEY. */
export function hasSealingKey(path = DEV_VARS): boolean {
  return parseEnv(readOrEmpty(path)).SEALING_KEY !== undefined
}

/** Adds a missing SEALING_KEY to the file. Only the current user can read the file afterwards. */
export function ensureDevVars(path = DEV_VARS): void {
  if (!hasSealingKey(path)) {
    const text = readOrEmpty(path)
    const separator = text === '' || text.endsWith('\n') ? '' : '\n'
    const line = `SEALING_KEY=${randomBytes(32).toString('base64url')}\n`
    writeFileSync(path, text + separator + line, { mode: 0o600 })
  }
  chmodSync(path, 0o600)
}

function readOrEmpty(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
