import { base64url, CompactEncrypt, compactDecrypt, type JWK } from 'jose'
import { encodeUtf8 } from '../lib/bytes.ts'

const KEY_BYTES = 32

/** A key under which private signing keys are stored: 256 random bits, the SEALING_KEY secret. */
export type SealingKey = Uint8Array

/** The first seals, each of them opens: two while SEALING_KEY is being changed, the new one first. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]]

/** A private key does not open: it was sealed with another secret than those given, or the record was changed. */
export class SealingError extends Error {
  override name = 'SealingError'
}

/** Reads SEALING_KEY; null where it is not 32 bytes in base64url. */
export function parseSealingKey(text: string): SealingKey | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null
  const bytes = base64url.decode(text)
  return bytes.length === KEY_BYTES ? bytes : null
}

/** Compact JWE, `dir` with A256GCM (RFC 7516, RFC 7518 §4.5). The kid is bound to it as authenticated data. */
export function sealPrivateJwk(kid: string, privateJwk: JWK, [sealingKey]: SealingKeys): Promise<string> {
  return new CompactEncrypt(encodeUtf8(JSON.stringify(privateJwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(sealingKey)
}

/** @throws SealingError */
export async function openPrivateJwk(kid: string, sealed: string, sealingKeys: SealingKeys): Promise<JWK> {
  for (const sealingKey of sealingKeys) {
    const privateJwk = await tryOpen(kid, sealed, sealingKey)
    if (privateJwk) return privateJwk
  }
  throw new SealingError(`signing key ${kid} does not open: is SEALING_KEY the one it was sealed with?`)
}

/**
 * Seals anew what is not sealed under the first key; null where it is.
 *
 * @throws SealingError where none of the keys opens it
 */
export async function reseal(kid: string, sealed: string, sealingKeys: SealingKeys): Promise<string | null> {
  if (await tryOpen(kid, sealed, sealingKeys[0])) return null
  return sealPrivateJwk(kid, await openPrivateJwk(kid, sealed, sealingKeys), sealingKeys)
}

async function tryOpen(kid: string, sealed: string, sealingKey: SealingKey): Promise<JWK | null> {
  const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, sealingKey, options)
    return protectedHeader.kid === kid ? JSON.parse(new TextDecoder().decode(plaintext)) : null
  } catch {
    // Whatever was wrong, there is one thing to say, and it must not quote what was sealed.
    return null
  }
}
