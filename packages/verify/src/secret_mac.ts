import type { Mac } from './dpop_nonces.ts'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** HMAC-SHA-256 with the UTF-8 bytes of a secret. */
export class SecretMac implements Mac {
  readonly #secret: string
  #key: Promise<CryptoKey> | null = null

  constructor(secret: string) {
    this.#secret = secret
  }

  async digest(text: string): Promise<Uint8Array> {
    const encoder = new TextEncoder()
    this.#key ??= crypto.subtle.importKey('raw', encoder.encode(this.#secret), HMAC, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', await this.#key, encoder.encode(text)))
  }
}
