import type { Argon2Input } from '../argon2_input.ts'
import { decodeBase64 } from '../bytes.ts'
import type { HashKeyName, HashKeys } from './hash_keys.ts'

/** A family of stored hashes. Each has one file, and one line in `read_hash.ts`. */
export interface HashScheme {
  /** As the identifier in a PHC string names it. */
  name: string
  /**
   * True for a scheme made of digests (MD5, SHA-1, SHA-2), once or many times: an attacker computes them fast. An import
   * wraps such a hash (docs/password-hashes.md#fast-hashes).
   */
  isDigest: boolean
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
  /** The bytes that the right password gives. */
  expected: Uint8Array
  /** The key of the Worker secret HASH_KEYS that it needs. */
  key?: HashKeyName
  /**
   * Whether the scheme ignores a part of this password, such as the end of a long one or spaces around it; absent where it
   * reads every byte of every password. A match proves nothing about the ignored part.
   */
  ignoresPartOf?(password: Uint8Array): boolean
  /**
   * The bytes that a password gives with the same salt and cost. It returns only when it is done, so that two hashes
   * never overlap in an isolate: their memory would not fit.
   */
  compute(password: Uint8Array, tools: HashTools): Uint8Array
}

/** What a hash is computed with. */
export interface HashTools {
  argon2id(input: Argon2Input): Uint8Array
  keys: HashKeys
}

/**
 * Why a hash is refused: its scheme is not known, or is known and not supported; it is broken; it needs more memory or
 * time than an isolate may spend; its key is missing.
 */
export type RefusalCause = 'unknown' | 'unsupported' | 'broken' | 'memory' | 'time' | 'key'

/** A refused hash. The message is for an operator: it names the scheme, and has no part of the hash except its cost. */
export class HashRefused extends Error {
  override name = 'HashRefused'
  readonly refusalCause: RefusalCause

  constructor(refusalCause: RefusalCause, message: string) {
    super(message)
    this.refusalCause = refusalCause
  }
}

/** The most memory that one hash may fill: half of an isolate (Cloudflare allows 128 MB). */
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

/** @throws HashRefused where the key is not set */
export function requireHashKey(keys: HashKeys, name: HashKeyName): string {
  const key = keys[name]
  if (key === undefined) {
    throw new HashRefused('key', `${name}: the Worker secret HASH_KEYS has no key "${name}": set it first`)
  }
  return key
}
