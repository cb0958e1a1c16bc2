import {
  base64url,
  calculateJwkThumbprint,
  EmbeddedJWK,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { hasCanonicalSignature } from './canonical_signature.ts'

/** The algorithms of DPoP proofs. All are asymmetric (RFC 9449 §4.2). `EdDSA` and `Ed25519` are two names of one algorithm (RFC 9864 §2.2). */
export const DPOP_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

/** The difference between `iat` of a proof and the current time, in seconds, up to which the proof is accepted. */
const PROOF_AGE_SECONDS = 60

/** How long after its acceptance a proof could be accepted again. `iat` can be in the future. */
export const PROOF_EXPIRY_SECONDS = 2 * PROOF_AGE_SECONDS + 1

const MAX_PROOF_CHARACTERS = 8192
const MAX_JTI_CHARACTERS = 256

/** The request that a proof must be made for. */
export interface ProofTarget {
  method: string
  /** The URL of the request. Its query and fragment do not count (RFC 9449 §4.3). */
  url: string
  /** The access token in the same request; null at an authorization server. */
  accessToken: string | null
  /** Unix seconds. */
  now: number
}

/** A verified proof. */
export interface DpopProof {
  /** The RFC 7638 thumbprint of the public key: SHA-256, base64url. */
  thumbprint: string
  /** The unique id of the proof. The caller refuses a proof that it accepted before. */
  jti: string
  /** The `nonce` of the proof; null without one. */
  nonce: string | null
}

/** A text that is no valid proof for a request. The message has the reason, without any part of the proof. */
export class InvalidProof extends Error {
  override name = 'InvalidProof'
}

/**
 * Verifies a DPoP proof (RFC 9449 §4.3), except that it was not used before.
 *
 * @param proof The value of the header `DPoP`. Two headers are joined by a comma, which no JWT has.
 * @throws InvalidProof
 */
export async function verifyDpopProof(proof: string, target: ProofTarget): Promise<DpopProof> {
  if (proof.length > MAX_PROOF_CHARACTERS) throw new InvalidProof('the proof is too long')
  const { payload, protectedHeader } = await verifySignature(proof, target.now)
  const { htm, htu, iat, jti, nonce } = payload
  if (htm !== target.method) throw new InvalidProof('the proof is for another method')
  const url = withoutQuery(target.url)
  if (url === null || typeof htu !== 'string' || withoutQuery(htu) !== url)
    throw new InvalidProof('the proof is for another URL')
  if (typeof iat !== 'number' || Math.abs(iat - target.now) > PROOF_AGE_SECONDS)
    throw new InvalidProof('the proof is too old or from the future')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_CHARACTERS)
    throw new InvalidProof('the proof has no usable jti')
  if (nonce !== undefined && typeof nonce !== 'string') throw new InvalidProof('the nonce is not a string')
  await requireTokenHash(payload, target.accessToken)
  const { jwk } = protectedHeader
  if (jwk === undefined) throw new InvalidProof('the proof has no key')
  return { thumbprint: await calculateJwkThumbprint(jwk), jti, nonce: nonce ?? null }
}

/** `EmbeddedJWK` refuses a private or a symmetric key. */
async function verifySignature(proof: string, now: number): Promise<JWTVerifyResult> {
  const options = { typ: 'dpop+jwt', algorithms: [...DPOP_ALGORITHMS], currentDate: new Date(now * 1000) }
  try {
    const result = await jwtVerify(proof, EmbeddedJWK, options)
    if (hasCanonicalSignature(proof)) return result
  } catch (error) {
    throw new InvalidProof('the proof is not signed by its key', { cause: error })
  }
  throw new InvalidProof('the signature of the proof is not in its canonical form')
}

/** The proof is for one access token only (RFC 9449 §4.2, `ath`). */
async function requireTokenHash({ ath }: JWTPayload, accessToken: string | null): Promise<void> {
  if (accessToken === null) return
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken))
  if (ath !== base64url.encode(new Uint8Array(digest)))
    throw new InvalidProof('the proof is for another access token')
}

/** The URL in its normal form, without query and fragment; null for a text that is no URL. */
function withoutQuery(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { origin, pathname } = new URL(text)
  return origin + pathname
}
