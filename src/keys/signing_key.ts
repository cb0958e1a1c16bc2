import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import * as z from 'zod/mini'
import type { SigningAlgorithm } from '../config/signing_algorithm.ts'
import { SIGNING_ALGORITHMS } from '../config/signing_algorithm.ts'
import { decodeRecord } from '../lib/decode.ts'
import { log } from '../lib/log.ts'
import { haveSameFacts, openPrivateJwk, SealingError, type SealingKeys, sealPrivateJwk } from './sealing.ts'

/** A stored signing key with a sealed private key. Times are Unix seconds. */
export interface SealedSigningKey {
  /** The RFC 7638 thumbprint of the public key. */
  kid: string
  alg: SigningAlgorithm
  /** The public JWK. */
  publicJwk: JWK
  /** Compact JWE of the private JWK. */
  sealedPrivateJwk: string
  createdAt: number
  /** The time of its first signature. Its publication is at `createdAt`. */
  activatesAt: number
  /** The time of its removal from the JWKS; null while it is unknown. */
  retiresAt: number | null
}

/** A signing key from D1 or from a copy. */
export interface StoredSigningKey extends SealedSigningKey {
  /** The number of the latest change in `copy_changes` that the key includes. */
  asOf: number
}

/** A signing key, opened for use. */
export interface SigningKey extends SealedSigningKey {
  privateKey: CryptoKey
  publicKey: CryptoKey
}

/** Only RSA keys need a size: jose uses P-256 for ES256 and Ed25519 for EdDSA. */
const RSA_MODULUS_BITS = 2048

const storedSigningKeySchema: z.ZodMiniType<StoredSigningKey> = z.object({
  kid: z.string(),
  alg: z.enum(SIGNING_ALGORITHMS),
  publicJwk: z.record(z.string(), z.unknown()) as unknown as z.ZodMiniType<JWK>,
  sealedPrivateJwk: z.string(),
  createdAt: z.int(),
  activatesAt: z.int(),
  retiresAt: z.nullable(z.int()),
  asOf: z.int(),
})

/** @throws CorruptRecord */
export function decodeStoredSigningKeys(value: unknown): StoredSigningKey[] {
  return decodeRecord(z.array(storedSigningKeySchema), 'signing keys', value)
}

/** Makes a key pair and seals the private key. */
export async function generateSigningKey(
  alg: SigningAlgorithm,
  sealingKeys: SealingKeys,
  times: { createdAt: number; activatesAt: number },
): Promise<SealedSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
    modulusLength: RSA_MODULUS_BITS,
  })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const facts = { kid, alg, ...times, retiresAt: null }
  const sealedPrivateJwk = await sealPrivateJwk(facts, await exportJWK(privateKey), sealingKeys)
  return { ...facts, publicJwk: { ...jwk, kid, alg, use: 'sig' }, sealedPrivateJwk }
}

/**
 * Opens a key for use. It derives the public key from the private key and does not trust the stored public key. The thumbprint
 * must be the `kid`.
 *
 * @param from A copy must have the algorithm and the times of its seal. For a D1 record, the times of the row are valid. A seal of
 *   an earlier version has no times, and the cron trigger reseals such keys.
 * @throws SealingError if the private key does not open or has another thumbprint
 */
export async function openSigningKey(
  sealed: SealedSigningKey,
  sealingKeys: SealingKeys,
  from: 'copy' | 'record',
): Promise<SigningKey> {
  const { kid, alg } = sealed
  const { privateJwk, facts } = await openPrivateJwk(kid, sealed.sealedPrivateJwk, sealingKeys)
  if (facts ? facts.alg !== alg : from === 'copy')
    throw new SealingError(`the seal of signing key ${kid} does not confirm its algorithm`)
  if (facts && !haveSameFacts(facts, sealed)) {
    if (from === 'copy')
      throw new SealingError(`the times of signing key ${kid} differ from the times in its seal`)
    log('info', 'key_sealed_with_other_times', { kid })
  }
  if ((await calculateJwkThumbprint(privateJwk)) !== kid) {
    throw new SealingError(`the kid of signing key ${kid} is not its thumbprint`)
  }
  const publicJwk: JWK = { ...publicMembersOf(privateJwk), kid, alg, use: 'sig' }
  const [privateKey, publicKey] = await Promise.all([
    importJWK(privateJwk, alg, { extractable: false }),
    importJWK(publicJwk, alg),
  ])
  return { ...sealed, publicJwk, privateKey: privateKey as CryptoKey, publicKey: publicKey as CryptoKey }
}

/** The members of the public key: the members of a thumbprint (RFC 7638 §3.2, RFC 8037 §2). */
function publicMembersOf({ kty, crv, x, y, n, e }: JWK): JWK {
  if (kty === 'RSA') return { kty, n, e } as JWK
  return (kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x }) as JWK
}
