import { normalizeText } from './password.ts'

const MAX_USERNAME_CHARACTERS = 255

/**
 * A username as it is stored and compared: NFKC, lower case (one sigma, final or not), no space around it. Null for what can be nobody's username: empty, too
 * long, a NUL, an unpaired surrogate.
 */
export function normalizeUsername(text: string): string | null {
  const lowerCase = normalizeText(text, MAX_USERNAME_CHARACTERS)
    ?.toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .trim()
  return lowerCase || null
}
