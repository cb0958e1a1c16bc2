import { normalizeText } from './password.ts'

const MAX_USERNAME_CHARACTERS = 255

/**
 * A username as it is stored and compared: NFKC, lower case, no space around it. Null for what can be nobody's username: empty, too
 * long, a NUL, an unpaired surrogate.
 */
export function normalizeUsername(text: string): string | null {
  const lowerCase = normalizeText(text, MAX_USERNAME_CHARACTERS)?.toLowerCase().normalize('NFKC').trim()
  return lowerCase || null
}
