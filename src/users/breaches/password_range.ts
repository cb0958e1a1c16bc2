/** The two parts of the SHA-1 of a password. The request has the prefix, and the response has the suffixes for it. */
export interface PasswordRange {
  /** Five hexadecimal characters. More than a thousand passwords of the list have the same prefix. */
  prefix: string
  /** The other 35 characters. The server never sends them. */
  suffix: string
}

/** The number of hexadecimal characters in the request. */
const PREFIX_LENGTH = 5

const LINE = /^([0-9A-F]{35}):(\d{1,12})$/i

/**
 * Computes the range of a password. The range API requires SHA-1; the server stores passwords with other hashes.
 *
 * @param password The result of `encodePassword`.
 */
export async function rangeOf(password: Uint8Array): Promise<PasswordRange> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', password))
  const hash = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const text = hash.toUpperCase()
  return { prefix: text.slice(0, PREFIX_LENGTH), suffix: text.slice(PREFIX_LENGTH) }
}

/**
 * Whether the lines of a range, `suffix:count`, contain a suffix. A line with count 0 is padding and hides the length of the
 * range.
 *
 * @returns null if the text is not a range
 */
export function isInRange(lines: string, suffix: string): boolean | null {
  let isFound = false
  for (const line of lines.split(/\r?\n/)) {
    if (line === '') continue
    const [, listed, times] = LINE.exec(line) ?? []
    if (listed === undefined) return null
    isFound ||= listed.toUpperCase() === suffix && Number(times) > 0
  }
  return isFound
}
