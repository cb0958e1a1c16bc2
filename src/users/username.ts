import { isPlainText } from './password.ts'

const MAX_USERNAME_CHARACTERS = 255

/**
 * A username as it is stored and compared: NFKC, lower case. Null for what can be nobody's username: empty, too
 * long, a NUL, an unpaired surrogate.
 */
export function normalizeUsername(text: string): string | null {
  if (text.length > MAX_USERNAME_CHARACTERS || !isPlainText(text)) return null
  const normalized = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  return normalized === '' ? null : normalized
}
