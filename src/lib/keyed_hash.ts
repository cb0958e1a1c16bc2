import { base64url } from 'jose'
import { encodeUtf8 } from './bytes.ts'

const HASH_BYTES = 16

/** Names for what must not be stored as it is: equal for equal values, and of no use without the key. */
export class KeyedHash {
  readonly #secret: Uint8Array
  readonly #purpose: string
  #key: Promise<CryptoKey> | null = null

  /** @param purpose What the names are for: the same secret gives each purpose a key of its own (RFC 5869 §3.2). */
  constructor(secret: Uint8Array, purpose: string) {
    this.#secret = secret
    this.#purpose = purpose
  }

  /** HMAC-SHA-256 of the parts, 128 bits in base64url. No part may have a NUL in it. */
  async name(...parts: string[]): Promise<string> {
    this.#key ??= deriveKey(this.#secret, this.#purpose)
    const mac = await crypto.subtle.sign('HMAC', await this.#key, encodeUtf8(parts.join('\0')))
    return base64url.encode(new Uint8Array(mac, 0, HASH_BYTES))
  }
}

async function deriveKey(secret: Uint8Array, purpose: string): Promise<CryptoKey> {
  const root = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encodeUtf8(purpose) }
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 }
  return crypto.subtle.deriveKey(hkdf, root, hmac, false, ['sign'])
}
