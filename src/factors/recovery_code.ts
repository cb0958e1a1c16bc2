import { base64url } from 'jose'
import { sha256 } from '../lib/bytes.ts'

/** The number of recovery codes of a user. */
export const RECOVERY_CODES = 10

/** 32 characters without I, L, O and U, which users confuse (Crockford's base32). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Twenty characters of five bits: 100 bits. */
const CHARACTERS = 20
const GROUP = 5

/** Makes a recovery code, as the user reads it: four groups of five characters. */
function generateRecoveryCode(): string {
  const random = crypto.getRandomValues(new Uint8Array(CHARACTERS))
  const text = Array.from(random, (byte) => ALPHABET[byte % ALPHABET.length]).join('')
  return text.match(new RegExp(`.{${GROUP}}`, 'g'))?.join('-') ?? text
}

/** Makes the recovery codes of a user. The server stores only their hashes. */
export function generateRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, generateRecoveryCode)
}

/** Reads a typed code: letters in any case, O for 0, I and L for 1, any spaces and hyphens; null if the text is not a code. */
export function parseRecoveryCode(text: string): string | null {
  const code = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  const isCode = code.length === CHARACTERS && [...code].every((character) => ALPHABET.includes(character))
  return isCode ? code : null
}

/**
 * The stored hash of a code of a user. SHA-256 is enough, because a code has 100 random bits.
 *
 * @param code As `parseRecoveryCode` returns it.
 */
export async function hashRecoveryCode(subject: string, code: string): Promise<string> {
  return base64url.encode(await sha256(`${subject} ${code}`))
}

/** The hashes of new codes. */
export function hashRecoveryCodes(subject: string, codes: readonly string[]): Promise<string[]> {
  return Promise.all(codes.map((code) => hashRecoveryCode(subject, parseRecoveryCode(code) ?? code)))
}
