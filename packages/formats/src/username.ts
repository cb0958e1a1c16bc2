import { findNameProblem } from './username_rules.ts'

const MAX_USERNAME_CHARACTERS = 255

/** A longer text is refused before any work on it (UTF-16 units). */
const MAX_RAW_LENGTH = 2048

/** The code points with a width mapping (RFC 8264 §5.2.1) that gives an allowed one: fullwidth and halfwidth forms, the wide space. */
const WIDE_OR_NARROW = /[\u3000\uff01-\uff9f\uffe0-\uffe6]/g

/**
 * Maps a username, or the beginning of one, to the form that is stored and compared: UsernameCaseMapped (RFC 8265 §3.3) maps
 * the width, then the case, then composes (NFC). Two additions: the final sigma counts as a sigma, because the beginning of a
 * name must be the beginning of its form; and spaces around the name are removed.
 */
export function foldUsername(text: string): string {
  const folded = text
    .replace(WIDE_OR_NARROW, (form) => form.normalize('NFKC'))
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFC')
  return trimSpaces(folded)
}

/** In linear time: a regular expression would begin anew at each of the spaces inside a text. */
function trimSpaces(text: string): string {
  let [start, end] = [0, text.length]
  while (text[start] === ' ') start++
  while (end > start && text[end - 1] === ' ') end--
  return text.slice(start, end)
}

/**
 * The form in which a username is stored and compared; null for a text that is not allowed as a username. The one function
 * for new users, imports and sign-in. `foldUsername` is its mapping alone, for searches.
 */
export function normalizeUsername(text: string): string | null {
  return findUsernameProblem(text) === null ? foldUsername(text) : null
}

/** The reason, for an operator, why a text cannot be a username; null if it can. */
export function findUsernameProblem(text: string): string | null {
  const username = text.length > MAX_RAW_LENGTH ? null : foldUsername(text)
  if (username === '') return 'is empty'
  if (username === null || [...username].length > MAX_USERNAME_CHARACTERS)
    return `has more than ${MAX_USERNAME_CHARACTERS} characters`
  return findNameProblem(username)
}
