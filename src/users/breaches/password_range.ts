/** How a password is looked for: what the service is told, and what must be in its response. */
export interface PasswordRange {
  /** Five hexadecimal characters, which a thousand and more passwords of the list share. */
  prefix: string
  /** The other 35. They never leave. */
  suffix: string
}

/** Hexadecimal characters that are sent. */
const PREFIX_LENGTH = 5

const LINE = /^([0-9A-F]{35}):(\d{1,12})$/i

/**
 * The range that a password is in, by its SHA-1. That is what the protocol is made of, and nothing is protected by it: what
 * is stored is another hash.
 *
 * @param password Of `encodePassword`.
 */
export async function rangeOf(password: Uint8Array): Promise<PasswordRange> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', password))
  const hash = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const text = hash.toUpperCase()
  return { prefix: text.slice(0, PREFIX_LENGTH), suffix: text.slice(PREFIX_LENGTH) }
}

/**
 * Whether the lines of a range, `suffix:count`, have a suffix. Those of count 0 are padding, which hides how long the range
 * is and stands for no password.
 *
 * @returns null where they are not the lines of a range
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
