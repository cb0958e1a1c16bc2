import { encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'

/** A stored copy, as its MAC covers it. No part may contain a NUL character. */
export interface StampedCopy {
  /** The store and the name of the value, so that two values cannot be swapped. */
  name: string
  /** Unix seconds. */
  savedAt: number
  text: string
}

/**
 * Authenticates copies in stores that others may be able to write: HMAC-SHA-256, truncated to 128 bits (RFC 2104 §5),
 * under a key that HKDF derives from SEALING_KEY.
 */
export class CopyMac {
  readonly #hashes: readonly [KeyedHash, ...KeyedHash[]]

  /** @param secrets The first one signs, each of them verifies: two while SEALING_KEY is being changed. */
  constructor([first, ...others]: readonly [Uint8Array, ...Uint8Array[]]) {
    const toHash = (secret: Uint8Array) => new KeyedHash(secret, 'sallyport read copies')
    this.#hashes = [toHash(first), ...others.map(toHash)]
  }

  /** The MAC in base64url. */
  sign(copy: StampedCopy): Promise<string> {
    return macOf(copy, this.#hashes[0])
  }

  async verifies(copy: StampedCopy, mac: string): Promise<boolean> {
    for (const hash of this.#hashes) {
      if (equalInConstantTime(encodeUtf8(await macOf(copy, hash)), encodeUtf8(mac))) return true
    }
    return false
  }
}

function macOf({ name, savedAt, text }: StampedCopy, hash: KeyedHash): Promise<string> {
  return hash.name(name, String(savedAt), text)
}
