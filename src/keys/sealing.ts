import { base64url, CompactEncrypt, compactDecrypt, type JWK } from 'jose'
import * as z from 'zod/mini'
import { encodeUtf8 } from '../lib/bytes.ts'

const KEY_BYTES = 32

/** The key that encrypts private signing keys: the SEALING_KEY secret, 256 random bits. */
export type SealingKey = Uint8Array

/** The first key seals, and every key opens. During a change of SEALING_KEY there are two keys, the new key first. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]]

/** A private key does not open, because its seal has another secret or the record was changed. */
export class SealingError extends Error {
  override name = 'SealingError'
}

/** Parses SEALING_KEY; null if it is not 32 bytes in base64url. */
export function parseSealingKey(text: string): SealingKey | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null
  const bytes = base64url.decode(text)
  return bytes.length === KEY_BYTES ? bytes : null
}

/** The authenticated data of a seal. Times are Unix seconds. */
export interface SealedFacts {
  kid: string
  alg: string
  createdAt: number
  activatesAt: number
  retiresAt: number | null
}

/** A private key and the facts of its seal; null facts for a seal of an earlier version, which has only the `kid`. */
interface Opened {
  privateJwk: JWK
  facts: SealedFacts | null
}

/** The protected header of a seal. A seal of an earlier version has no `key`. */
const headerSchema = z.object({
  kid: z.string(),
  key: z.optional(
    z.object({ alg: z.string(), created: z.int(), activates: z.int(), retires: z.nullable(z.int()) }),
  ),
})

/** Compact JWE, `dir` with A256GCM (RFC 7516, RFC 7518 §4.5), with the facts in its protected header. */
export function sealPrivateJwk(
  { kid, alg, createdAt, activatesAt, retiresAt }: SealedFacts,
  privateJwk: JWK,
  [sealingKey]: SealingKeys,
): Promise<string> {
  const key = { alg, created: createdAt, activates: activatesAt, retires: retiresAt }
  return new CompactEncrypt(encodeUtf8(JSON.stringify(privateJwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, key })
    .encrypt(sealingKey)
}

/** @throws SealingError */
export async function openPrivateJwk(kid: string, sealed: string, sealingKeys: SealingKeys): Promise<Opened> {
  for (const sealingKey of sealingKeys) {
    const opened = await tryOpen(kid, sealed, sealingKey)
    if (opened) return opened
  }
  throw new SealingError(
    `signing key ${kid} does not open: SEALING_KEY is not the secret of its seal, or the record was changed`,
  )
}

/**
 * Seals a private key again with the first key and these facts; null if its seal already has both.
 *
 * @throws SealingError if no key opens it
 */
export async function reseal(
  facts: SealedFacts,
  sealed: string,
  sealingKeys: SealingKeys,
): Promise<string | null> {
  const current = await tryOpen(facts.kid, sealed, sealingKeys[0])
  if (current?.facts && haveSameFacts(current.facts, facts)) return null
  const { privateJwk } = current ?? (await openPrivateJwk(facts.kid, sealed, sealingKeys))
  return sealPrivateJwk(facts, privateJwk, sealingKeys)
}

export function haveSameFacts(a: SealedFacts, b: SealedFacts): boolean {
  const isSameKey = a.kid === b.kid && a.alg === b.alg && a.createdAt === b.createdAt
  return isSameKey && a.activatesAt === b.activatesAt && a.retiresAt === b.retiresAt
}

async function tryOpen(kid: string, sealed: string, sealingKey: SealingKey): Promise<Opened | null> {
  const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, sealingKey, options)
    const header = headerSchema.parse(protectedHeader)
    if (header.kid !== kid) return null
    return { privateJwk: JSON.parse(new TextDecoder().decode(plaintext)), facts: toFacts(header) }
  } catch {
    // The caller gets no cause, because an error message could contain a part of the key.
    return null
  }
}

function toFacts({ kid, key }: z.output<typeof headerSchema>): SealedFacts | null {
  if (key === undefined) return null
  return { kid, alg: key.alg, createdAt: key.created, activatesAt: key.activates, retiresAt: key.retires }
}
