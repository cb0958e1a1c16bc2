import { createHash } from 'node:crypto'
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from '../bytes.ts'
import { HashRefused, type HashScheme } from './hash_scheme.ts'

const NAME = 'symfony-sha512'
const FORM = /^\$symfony-sha512\$i=(\d{1,9})\$([A-Za-z0-9+/]{0,340})\$([A-Za-z0-9+/]{86})$/
const HASH_BYTES = 64
const MAX_ITERATIONS = 100_000
const ITERATIONS_PER_MS = 550

/** The columns of Symfony and the settings of its hasher. */
export interface SymfonyHash {
  /** Base64, the default of `encode_as_base64`. */
  hash: string
  /** The salt column unchanged; empty if the user has no salt. */
  salt: string
  /** 5000 by default. */
  iterations: number
}

/**
 * Symfony's MessageDigestPasswordHasher, the hasher `sha512` of old shops. It stores no more than the hash, so the form
 * is ours: `$symfony-sha512$i=5000$salt$hash`, both in base64.
 */
export const symfonyScheme: HashScheme = {
  name: NAME,
  isDigest: true,
  owns: (text) => text.startsWith(`$${NAME}$`),

  read(text) {
    const [, digits, saltText = '', hashText = ''] = FORM.exec(text) ?? []
    const [salt, hash] = [decodeBase64(saltText), decodeBase64(hashText)]
    if (digits === undefined || !salt || hash?.length !== HASH_BYTES) {
      throw new HashRefused('broken', `${NAME}: not of the form $${NAME}$i=…$salt$hash`)
    }
    const iterations = requireAffordable(Number(digits))
    requireSalt(decodeUtf8(salt))
    return {
      scheme: NAME,
      cost: `i=${iterations}`,
      estimatedMs: iterations / ITERATIONS_PER_MS,
      expected: hash,
      compute: (password) => digest(mergeWithSalt(password, salt), iterations),
    }
  },
}

/** The stored form of a hash from Symfony's columns. @throws HashRefused */
export function formatSymfonyHash({ hash, salt, iterations }: SymfonyHash): string {
  const bytes = decodeBase64(hash)
  if (bytes?.length !== HASH_BYTES)
    throw new HashRefused('broken', `${NAME}: the hash is not 64 bytes in base64`)
  return `$${NAME}$i=${iterations}$${encodeBase64(encodeUtf8(salt))}$${encodeBase64(bytes)}`
}

function requireAffordable(iterations: number): number {
  if (iterations < 1) throw new HashRefused('broken', `${NAME}: no iterations`)
  if (iterations > MAX_ITERATIONS) {
    throw new HashRefused('time', `${NAME}: i=${iterations} takes too long: at most ${MAX_ITERATIONS}`)
  }
  return iterations
}

/** Symfony refuses a salt with braces, because it puts braces around the salt. */
function requireSalt(salt: string | null): void {
  if (salt === null || /[{}]/.test(salt)) throw new HashRefused('broken', `${NAME}: no salt of Symfony’s`)
}

/** `password{salt}`, or only the password if the salt is empty. */
function mergeWithSalt(password: Uint8Array, salt: Uint8Array): Uint8Array {
  if (salt.length === 0) return password
  return Uint8Array.from([...password, ...encodeUtf8('{'), ...salt, ...encodeUtf8('}')])
}

function digest(salted: Uint8Array, iterations: number): Uint8Array {
  let result = createHash('sha512').update(salted).digest()
  for (let i = 1; i < iterations; i++) result = createHash('sha512').update(result).update(salted).digest()
  return result
}
