import { argon2idScheme } from './argon2id_scheme.ts'
import { bcryptScheme } from './bcrypt_scheme.ts'
import { HashRefused, type HashScheme, type RefusalCause, type StoredHash } from './hash_scheme.ts'
import { pbkdf2Scheme } from './pbkdf2_scheme.ts'
import { scryptScheme } from './scrypt_scheme.ts'
import { symfonyScheme } from './symfony_scheme.ts'

const SCHEMES: readonly HashScheme[] = [
  argon2idScheme,
  bcryptScheme,
  pbkdf2Scheme,
  scryptScheme,
  symfonyScheme,
]

/** What a hash is, or why it is not taken: in words for an operator, without any of the hash. */
export type HashDescription =
  | { isAccepted: true; scheme: string; cost: string }
  | { isAccepted: false; cause: RefusalCause; reason: string }

/** Reads a stored hash. What it takes, a sign-in can check. @throws HashRefused */
export function readHash(text: string): StoredHash {
  const scheme = SCHEMES.find(({ owns }) => owns(text))
  if (scheme === undefined) {
    const names = SCHEMES.map(({ name }) => name).join(', ')
    throw new HashRefused('unknown', `of no scheme that is known here: ${names}`)
  }
  return scheme.read(text)
}

/** The same without an exception, for who has many to look at. */
export function describeHash(text: string): HashDescription {
  try {
    const { scheme, cost } = readHash(text)
    return { isAccepted: true, scheme, cost }
  } catch (error) {
    if (!(error instanceof HashRefused)) throw error
    return { isAccepted: false, cause: error.refusalCause, reason: error.message }
  }
}
