import { decodeBase64 } from '../../lib/bytes.ts'
import type { Argon2Input } from '../argon2.ts'

/** A way to hash passwords that stored hashes were made in. One file each, and a line in `read_hash.ts`. */
export interface HashScheme {
  /** As the identifier in a PHC string names it. */
  name: string
  /** Whether a text claims to be of this scheme. */
  owns(text: string): boolean
  /** Reads a text that it owns. @throws HashRefused where it is broken or costs more than an isolate may spend */
  read(text: string): StoredHash
}

/** A stored hash that an isolate can check. */
export interface StoredHash {
  /** The name of its scheme. */
  scheme: string
  /** Its cost in the scheme's own words, such as `m=19456,t=2,p=1`. */
  cost: string
  /** Milliseconds that it takes, about, where docs/password-hashes.md was measured. */
  estimatedMs: number
  /** What the right password gives. */
  expected: Uint8Array
  /**
   * How many bytes of a password the scheme reads, where it ignores the rest; absent where it reads all of them. A match
   * proves no more than these bytes.
   */
  bytesRead?: number
  /**
   * What a password gives with the same salt and cost. It comes back only when it is done, so that two hashes never
   * overlap in an isolate: their memory would not fit.
   */
  compute(password: Uint8Array, argon2id: Argon2idFunction): Uint8Array
}

export type Argon2idFunction = (input: Argon2Input) => Uint8Array

/** Why a hash is not taken: nobody's scheme, unreadable, or more memory or time than an isolate may spend. */
export type RefusalCause = 'unknown' | 'broken' | 'memory' | 'time'

/** A hash that is not taken. The message is for an operator, and has no part of the hash but its cost. */
export class HashRefused extends Error {
  override name = 'HashRefused'
  readonly refusalCause: RefusalCause

  constructor(refusalCause: RefusalCause, message: string) {
    super(message)
    this.refusalCause = refusalCause
  }
}

/** What one hash may fill: half of an isolate (Cloudflare allows 128 MB). */
export const MAX_MEMORY_KIB = 65_536

/** 128 bits: with fewer, a wrong password might fit. */
const MIN_HASH_BYTES = 16

interface EncodedParts {
  salt: string
  hash: string
  minSaltBytes: number
}

/** The bytes of the two base64 parts that end a PHC string. @throws HashRefused */
export function decodeParts(scheme: string, { salt, hash, minSaltBytes }: EncodedParts) {
  const [saltBytes, hashBytes] = [decodeBase64(salt), decodeBase64(hash)]
  if (!saltBytes || !hashBytes)
    throw new HashRefused('broken', `${scheme}: the salt or the hash is no base64`)
  if (saltBytes.length < minSaltBytes) {
    throw new HashRefused('broken', `${scheme}: the salt has fewer than ${minSaltBytes} bytes`)
  }
  if (hashBytes.length < MIN_HASH_BYTES) {
    throw new HashRefused('broken', `${scheme}: the hash has fewer than ${MIN_HASH_BYTES} bytes`)
  }
  return { salt: saltBytes, hash: hashBytes }
}
