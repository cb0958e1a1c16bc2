import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { parseSealingKey, type SealingKey } from '../src/keys/sealing.ts'

/** The file of the local secrets, which `wrangler dev` reads. */
export const DEV_VARS = '.dev.vars'

/** Reads the sealing keys of the file: SEALING_KEY and SEALING_KEY_NEXT. Absent and malformed keys are left out. */
export function readSealingKeys(path = DEV_VARS): SealingKey[] {
  const { SEALING_KEY, SEALING_KEY_NEXT } = parseEnv(readOrEmpty(path))
  return [SEALING_KEY, SEALING_KEY_NEXT]
    .map((text) => parseSealingKey(text ?? ''))
    .filter((key) => key !== null)
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
