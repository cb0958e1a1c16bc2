import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import * as z from 'zod/mini'
import type { SigningAlgorithm } from '../config/config.ts'
import { SIGNING_ALGORITHMS } from '../config/schema.ts'
import { decodeRecord } from '../lib/decode.ts'
import { openPrivateJwk, type SealingKeys, sealPrivateJwk } from './sealing.ts'

/** A signing key as it is stored: the private half sealed. Times are Unix seconds. */
export interface SealedSigningKey {
  /** The RFC 7638 thumbprint of the public key. */
  kid: string
  alg: SigningAlgorithm
  /** The public members only. */
  publicJwk: JWK
  /** Compact JWE of the private JWK. */
  sealedPrivateJwk: string
  createdAt: number
  /** From when it may sign. It is published from `createdAt` on. */
  activatesAt: number
}

/** A signing key as it was read from D1, or from a copy of that. */
export interface StoredSigningKey extends SealedSigningKey {
  /** The latest change that it includes, by its number in `copy_changes`. */
  asOf: number
}

/** A signing key, opened for use. */
export interface SigningKey extends SealedSigningKey {
  privateKey: CryptoKey
  publicKey: CryptoKey
}

/** Curve or modulus of a new key. jose's defaults elsewhere: P-256 for ES256, Ed25519 for EdDSA. */
const RSA_MODULUS_BITS = 2048

const storedSigningKeySchema: z.ZodMiniType<StoredSigningKey> = z.object({
  kid: z.string(),
  alg: z.enum(SIGNING_ALGORITHMS),
  publicJwk: z.record(z.string(), z.unknown()) as unknown as z.ZodMiniType<JWK>,
  sealedPrivateJwk: z.string(),
  createdAt: z.int(),
  activatesAt: z.int(),
  asOf: z.int(),
})

/** @throws CorruptRecord */
export function decodeStoredSigningKeys(value: unknown): StoredSigningKey[] {
  return decodeRecord(z.array(storedSigningKeySchema), 'signing keys', value)
}

/** Makes a key pair and seals its private half. The key may sign at once; the store decides otherwise. */
export async function generateSigningKey(
  alg: SigningAlgorithm,
  sealingKeys: SealingKeys,
  now: number,
): Promise<SealedSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
    modulusLength: RSA_MODULUS_BITS,
  })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const sealedPrivateJwk = await sealPrivateJwk(kid, await exportJWK(privateKey), sealingKeys)
  const publicJwk = { ...jwk, kid, alg, use: 'sig' }
  return { kid, alg, publicJwk, sealedPrivateJwk, createdAt: now, activatesAt: now }
}

/** @throws SealingError where the private half does not open */
export async function openSigningKey(
  sealed: SealedSigningKey,
  sealingKeys: SealingKeys,
): Promise<SigningKey> {
  const privateJwk = await openPrivateJwk(sealed.kid, sealed.sealedPrivateJwk, sealingKeys)
  const [privateKey, publicKey] = await Promise.all([
    importJWK(privateJwk, sealed.alg, { extractable: false }),
    importJWK(sealed.publicJwk, sealed.alg),
  ])
  return { ...sealed, privateKey: privateKey as CryptoKey, publicKey: publicKey as CryptoKey }
}
