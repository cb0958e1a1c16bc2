import { encodeUtf8 } from '../lib/bytes.ts'

/** The longest password, in characters as a person counts them (Unicode code points). */
export const MAX_PASSWORD_CHARACTERS = 128

/**
 * The bytes that are hashed for a password: UTF-8 of its NFKC form, the same when set and when checked
 * (NIST SP 800-63B §3.1.1.2). Null for what can be nobody's password: too long, a NUL, an unpaired surrogate.
 */
export function encodePassword(text: string): Uint8Array | null {
  if (text.length > 2 * MAX_PASSWORD_CHARACTERS || [...text].length > MAX_PASSWORD_CHARACTERS) return null
  if (!isPlainText(text)) return null
  return encodeUtf8(text.normalize('NFKC'))
}

/** Text that no store or hash can take for another: no NUL, no unpaired surrogate. */
export function isPlainText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
