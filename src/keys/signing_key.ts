import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import * as z from 'zod/mini'
import type { SigningAlgorithm } from '../config/key_schema.ts'
import { SIGNING_ALGORITHMS } from '../config/key_schema.ts'
import { decodeRecord } from '../lib/decode.ts'
import { log } from '../lib/log.ts'
import { haveSameFacts, openPrivateJwk, SealingError, type SealingKeys, sealPrivateJwk } from './sealing.ts'

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
  /** When it leaves the JWKS; null while that is not known. */
  retiresAt: number | null
}

/** A signing key as it was read from D1 or from a copy of it. */
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
  retiresAt: z.nullable(z.int()),
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
 * Opens a key for use. The public half is derived from the private one, whose thumbprint must be the kid: the stored public
 * half is not trusted.
 *
 * @param from In a copy, algorithm and times must be those of the seal. Those in D1 count themselves: D1 may have a key that
 *   an earlier version sealed without times, and the cron trigger seals such keys again.
 * @throws SealingError where the private half does not open, or is not the key of the record
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
    if (from === 'copy') throw new SealingError(`the times of signing key ${kid} are not those of its seal`)
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

/** The members that a thumbprint is made of (RFC 7638 §3.2, RFC 8037 §2): the public key and nothing else. */
function publicMembersOf({ kty, crv, x, y, n, e }: JWK): JWK {
  if (kty === 'RSA') return { kty, n, e } as JWK
  return (kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x }) as JWK
}
