import { base64url } from 'jose'
import { encodeUtf8 } from './bytes.ts'
import { deriveKey, type KeyUse } from './derive_key.ts'

const HASH_BYTES = 16
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

  /** HMAC-SHA-256 of the parts, 128 bits in base64url. No part may contain a NUL character. */
  async name(...parts: string[]): Promise<string> {
    this.#key ??= deriveKey(this.#secret, this.#purpose, KEY_USE)
    const mac = await crypto.subtle.sign('HMAC', await this.#key, encodeUtf8(parts.join('\0')))
    return base64url.encode(new Uint8Array(mac, 0, HASH_BYTES))
  }
}
