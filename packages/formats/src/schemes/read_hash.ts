import { argon2idScheme } from './argon2id_scheme.ts'
import { bcryptScheme } from './bcrypt_scheme.ts'
import { digestScheme } from './digest_scheme.ts'
import { firebaseScheme } from './firebase_scheme.ts'
import { HashRefused, type HashScheme, type StoredHash } from './hash_scheme.ts'
import { pbkdf2Scheme } from './pbkdf2_scheme.ts'
import { phpassScheme } from './phpass_scheme.ts'
import { prehashedBcryptScheme } from './prehashed_bcrypt_scheme.ts'
import { scryptScheme } from './scrypt_scheme.ts'
import { symfonyScheme } from './symfony_scheme.ts'

const SCHEMES: readonly HashScheme[] = [
  argon2idScheme,
  bcryptScheme,
  pbkdf2Scheme,
  scryptScheme,
  prehashedBcryptScheme,
  firebaseScheme,
  symfonyScheme,
  phpassScheme,
  digestScheme,
]

const OUTER = '$argon2id$'

/** The end of the inner part of a wrapped hash: the length of the digest, in place of the digest. */
const LEFT_OUT = /\*(\d{1,3})$/

/** A hash of any scheme that takes less than this in an isolate is fast. */
const FAST_MS = 0.8

/** The limit of a wrapped hash, which takes the time of both its parts. */
const MAX_MS = 500

/** Longer texts are not hashes. */
const MAX_LENGTH = 1024

/** Reads the stored form of a hash. A sign-in can check every text that it accepts. @throws HashRefused */
export function readHash(text: string): StoredHash {
  if (text.length > MAX_LENGTH) throw new HashRefused('broken', `longer than ${MAX_LENGTH} characters`)
  const outerAt = text.lastIndexOf(OUTER)
  return outerAt > 0
    ? readWrapped(text.slice(0, outerAt), text.slice(outerAt))
    : requireScheme(text).read(text)
}

/** Whether an attacker with the database could compute the hash fast. @throws HashRefused */
export function isFastHash(text: string): boolean {
  const outerAt = text.lastIndexOf(OUTER)
  if (outerAt >= 0) return argon2idScheme.read(text.slice(outerAt)).estimatedMs < FAST_MS
  const scheme = requireScheme(text)
  return scheme.isDigest || scheme.read(text).estimatedMs < FAST_MS
}

/**
 * The wrapped form of a fast hash: Argon2id of the digest is stored in place of the digest.
 *
 * @param outer The Argon2id hash of `readHash(text).expected`, as a PHC string.
 */
export function formatWrapped(text: string, outer: string): string {
  // Every scheme but bcrypt writes its digest after the last `$`, and the lowest cost of bcrypt is not fast.
  const length = text.length - text.lastIndexOf('$') - 1
  return `${text.slice(0, -length)}*${length}${outer}`
}

function readWrapped(head: string, outerText: string): StoredHash {
  const outer = argon2idScheme.read(outerText)
  const length = Number(LEFT_OUT.exec(head)?.[1] ?? 0)
  const inner = readHash(head.replace(LEFT_OUT, '0'.repeat(length)))
  const cost = `${inner.cost} in argon2id ${outer.cost}`
  const estimatedMs = inner.estimatedMs + outer.estimatedMs
  if (estimatedMs > MAX_MS) {
    throw new HashRefused(
      'time',
      `${inner.scheme}: ${cost} takes about ${Math.round(estimatedMs)} ms: at most ${MAX_MS}`,
    )
  }
  return {
    ...inner,
    cost,
    estimatedMs,
    expected: outer.expected,
    compute: (password, tools) => outer.compute(inner.compute(password, tools), tools),
  }
}

function requireScheme(text: string): HashScheme {
  const scheme = SCHEMES.find(({ owns }) => owns(text))
  if (scheme === undefined) throw new HashRefused('unknown', 'the hash names no scheme that is known here')
  return scheme
}
