import { CompactEncrypt, compactDecrypt } from 'jose'
import type * as z from 'zod/mini'
import { decodeUtf8, encodeUtf8 } from '../lib/bytes.ts'
import { deriveKey, type KeyUse } from '../lib/derive_key.ts'
import type { SealingKeys } from './sealing.ts'

const ALGORITHM = { alg: 'dir', enc: 'A256GCM' } as const
const KEY_USE = {
  algorithm: { name: 'AES-GCM', length: 256 },
  usages: ['encrypt', 'decrypt'],
} satisfies KeyUse

/**
 * Seals texts that a client stores, as compact JWE (`dir`, A256GCM). HKDF (RFC 5869) derives the keys from SEALING_KEY for one
 * purpose. So a text for one purpose does not open for another purpose.
 */
export class TextSealer {
  readonly #sealingKeys: SealingKeys
  readonly #purpose: string
  #derived: Promise<CryptoKey[]> | null = null

  constructor(sealingKeys: SealingKeys, purpose: string) {
    this.#sealingKeys = sealingKeys
    this.#purpose = purpose
  }

  async seal(text: string): Promise<string> {
    const [key] = await this.#keys()
    if (!key) throw new Error('no sealing key')
    return new CompactEncrypt(encodeUtf8(text)).setProtectedHeader(ALGORITHM).encrypt(key)
  }

  /** Opens a sealed text; null if no key opens it. */
  async open(sealed: string): Promise<string | null> {
    for (const key of await this.#keys()) {
      const text = await tryOpen(sealed, key)
      if (text !== null) return text
    }
    return null
  }

  /** Seals a value as JSON. */
  sealValue(value: unknown): Promise<string> {
    return this.seal(JSON.stringify(value))
  }

  /** Opens a sealed value; null if no key opens it, or if the value does not match the schema. */
  async openValue<T>(sealed: string, schema: z.ZodMiniType<T>): Promise<T | null> {
    const text = await this.open(sealed)
    const result = text === null ? null : schema.safeParse(JSON.parse(text))
    return result?.success ? result.data : null
  }

  #keys(): Promise<CryptoKey[]> {
    this.#derived ??= Promise.all(this.#sealingKeys.map((key) => deriveKey(key, this.#purpose, KEY_USE)))
    return this.#derived
  }
}

async function tryOpen(sealed: string, key: CryptoKey): Promise<string | null> {
  const options = {
    keyManagementAlgorithms: [ALGORITHM.alg],
    contentEncryptionAlgorithms: [ALGORITHM.enc],
  }
  try {
    return decodeUtf8((await compactDecrypt(sealed, key, options)).plaintext)
  } catch {
    return null
  }
}
