import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * Makes the missing local secrets in a file that only the current user can read.
 *
 * @returns whether it made a new SEALING_KEY
 */
export function ensureDevVars(path = '.dev.vars'): boolean {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const isMissing = !/^SEALING_KEY=/m.test(text)
  if (isMissing) {
    const separator = text === '' || text.endsWith('\n') ? '' : '\n'
    const line = `SEALING_KEY=${randomBytes(32).toString('base64url')}\n`
    writeFileSync(path, text + separator + line, { mode: 0o600 })
  }
  chmodSync(path, 0o600)
  return isMissing
}
