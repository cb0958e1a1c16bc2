/** The longest role, in Unicode code points. */
const MAX_ROLE_CHARACTERS = 64

/** The rule for a role, for the message of a refusal. */
export const ROLE_RULE = `must be plain text of 1 to ${MAX_ROLE_CHARACTERS} characters, without spaces, commas and vertical bars`

/**
 * Whether a text is the name of a role. The one check for the admin API, imports, the console, the CLI and scripts. Commas, bars
 * and spaces separate roles in files and on the command line, so a role with one could not be written there.
 */
export function isRole(text: string): boolean {
  const isPlain = text.isWellFormed() && !/[\p{Cc}\s,|]/u.test(text)
  return isPlain && text !== '' && [...text].length <= MAX_ROLE_CHARACTERS
}
