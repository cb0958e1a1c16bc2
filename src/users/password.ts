import { encodeUtf8 } from '../lib/bytes.ts'

/** The longest password, in characters as a person counts them (Unicode code points). */
export const MAX_PASSWORD_CHARACTERS = 128

/** Nothing longer is looked at: far over what is allowed, in any Unicode form (UTF-16 units). */
const MAX_RAW_LENGTH = 2048

/**
 * The bytes that are hashed for a password: UTF-8 of its NFKC form, the same when set and when checked
 * (NIST SP 800-63B §3.1.1.2). Null for what can be nobody's password: too long, a NUL, an unpaired surrogate.
 */
export function encodePassword(text: string): Uint8Array | null {
  const normalized = normalizeText(text, MAX_PASSWORD_CHARACTERS)
  return normalized === null ? null : encodeUtf8(normalized)
}

/** The characters of a password as a person counts them, in its NFKC form. */
export function countCharacters(text: string): number {
  return [...text.normalize('NFKC')].length
}

/**
 * What a typed password may have been hashed from, to check it: its NFKC form, which is hashed here, and where that is
 * another text also the one that was typed, which is what other systems hashed. Null as above.
 */
export function passwordForms(text: string): Uint8Array[] | null {
  const normalized = normalizeText(text, MAX_PASSWORD_CHARACTERS)
  return normalized === null ? null : [...new Set([normalized, text])].map(encodeUtf8)
}

/** The NFKC form of a text; null where that is longer than it may be, or not text that a store can keep. */
export function normalizeText(text: string, maxCharacters: number): string | null {
  if (text.length > MAX_RAW_LENGTH || !isPlainText(text)) return null
  const normalized = text.normalize('NFKC')
  return [...normalized].length > maxCharacters ? null : normalized
}

/** Text that no store or hash can take for another: no NUL, no unpaired surrogate. */
function isPlainText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
