import { encodeUtf8 } from './bytes.ts'

/** The algorithm and the usages of a derived key. */
export type KeyUse =
  | { algorithm: { name: 'AES-GCM'; length: 256 }; usages: ['encrypt', 'decrypt'] }
  | { algorithm: { name: 'HMAC'; hash: 'SHA-256'; length: 256 }; usages: ['sign'] }

/** Derives a key from a secret (HKDF with SHA-256, RFC 5869). Each purpose gives a different key (§3.2). */
export async function deriveKey(
  secret: Uint8Array,
  purpose: string,
  { algorithm, usages }: KeyUse,
): Promise<CryptoKey> {
  const root = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encodeUtf8(purpose) }
  return crypto.subtle.deriveKey(hkdf, root, algorithm, false, usages)
}
