import { base64url } from 'jose'
import { encodeUtf8 } from './bytes.ts'
import { deriveKey, type KeyUse } from './derive_key.ts'

const NAME_BYTES = 16
const KEY_USE = {
  algorithm: { name: 'HMAC', hash: 'SHA-256', length: 256 },
  usages: ['sign'],
} satisfies KeyUse

/** Keyed hashes, to store in place of values that must not be stored. Equal values have equal hashes. */
export class KeyedHash {
  readonly #secret: Uint8Array
  readonly #purpose: string
  #key: Promise<CryptoKey> | null = null

  /** @param purpose Each purpose has a different key, derived from the same secret. */
  constructor(secret: Uint8Array, purpose: string) {
    this.#secret = secret
    this.#purpose = purpose
  }

  /** The first 128 bits of the digest, in base64url. */
  async name(...parts: string[]): Promise<string> {
    return base64url.encode((await this.digest(...parts)).subarray(0, NAME_BYTES))
  }

  /** HMAC-SHA-256 of the parts. No part may contain a NUL character. */
  async digest(...parts: string[]): Promise<Uint8Array> {
    this.#key ??= deriveKey(this.#secret, this.#purpose, KEY_USE)
    return new Uint8Array(await crypto.subtle.sign('HMAC', await this.#key, encodeUtf8(parts.join('\0'))))
  }
}
