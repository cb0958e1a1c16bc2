import { encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'

/** The parts of a stored copy that its MAC covers. No part may contain a NUL character. */
export interface StampedCopy {
  /** The store and the name of the value. They prevent a swap of two values. */
  name: string
  /** Unix seconds. */
  savedAt: number
  text: string
}

/**
 * Authenticates copies, because an attacker may have write access to a store. The MAC is HMAC-SHA-256, truncated to 128 bits
 * (RFC 2104 §5). HKDF derives its key from SEALING_KEY.
 */
export class CopyMac {
  readonly #hashes: readonly [KeyedHash, ...KeyedHash[]]

  /** @param secrets The first secret signs, and all secrets verify. There are two during a change of SEALING_KEY. */
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
