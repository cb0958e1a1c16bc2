import { encodeUtf8 } from '../lib/bytes.ts'

/** The longest password, in Unicode code points. */
export const MAX_PASSWORD_CHARACTERS = 128

/** The longest text that the server normalises, in UTF-16 units. An allowed password is shorter in every Unicode form. */
const MAX_RAW_LENGTH = 2048

/**
 * Encodes a password for the hash: UTF-8 of its NFKC form (NIST SP 800-63B §3.1.1.2). Null if the text is too long, or has a NUL
 * or an unpaired surrogate.
 */
export function encodePassword(text: string): Uint8Array | null {
  const normalized = normalizeText(text, MAX_PASSWORD_CHARACTERS)
  return normalized === null ? null : encodeUtf8(normalized)
}

/** Counts the Unicode code points of the NFKC form of a password. */
export function countCharacters(text: string): number {
  return [...text.normalize('NFKC')].length
}

/**
 * The possible inputs of a stored hash. This server hashes the NFKC form; other systems hash the unchanged text. The list has one
 * form if both are equal. Null as for `encodePassword`.
 */
export function passwordForms(text: string): Uint8Array[] | null {
  const normalized = normalizeText(text, MAX_PASSWORD_CHARACTERS)
  return normalized === null ? null : [...new Set([normalized, text])].map(encodeUtf8)
}

/** The NFKC form of a text; null if it is too long, or has a NUL or an unpaired surrogate. */
export function normalizeText(text: string, maxCharacters: number): string | null {
  if (text.length > MAX_RAW_LENGTH || !isPlainText(text)) return null
  const normalized = text.normalize('NFKC')
  return [...normalized].length > maxCharacters ? null : normalized
}

/** Whether a text has no NUL and no unpaired surrogate. Stores and hashes may confuse such texts. */
function isPlainText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
