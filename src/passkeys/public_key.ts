import { base64url, importJWK, type JWK } from 'jose'
import type { CborMap } from './cbor.ts'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'

/** The algorithms of passkeys, in the order of preference, with their numbers in COSE (RFC 9053, RFC 8812). */
export const COSE_ALGORITHMS = { ES256: -7, EdDSA: -8, RS256: -257 } as const

export type PasskeyAlgorithm = keyof typeof COSE_ALGORITHMS
export const PASSKEY_ALGORITHMS = Object.keys(COSE_ALGORITHMS) as [PasskeyAlgorithm, ...PasskeyAlgorithm[]]

/** The public key of a passkey. */
export interface PasskeyPublicKey {
  alg: PasskeyAlgorithm
  jwk: JWK
}

/** The labels of a COSE_Key: common (RFC 9052 §7.1), of curves (RFC 9053 §7), of RSA (RFC 8230 §4). */
const LABEL = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, n: -1, e: -2 }
const KTY = { OKP: 1, EC2: 2, RSA: 3 }
const CRV = { P256: 1, Ed25519: 6 }

const COORDINATE_BYTES = 32
const RSA_BYTES = { min: 256, max: 512 }
const MAX_EXPONENT_BYTES = 4

/** Reads a public key of one of the algorithms. @throws PasskeyRefused */
export function readCoseKey(key: CborMap): PasskeyPublicKey {
  switch (key.get(LABEL.alg)) {
    case COSE_ALGORITHMS.ES256:
      requireParameters(key, KTY.EC2, CRV.P256)
      return {
        alg: 'ES256',
        jwk: { kty: 'EC', crv: 'P-256', x: coordinate(key, LABEL.x), y: coordinate(key, LABEL.y) },
      }
    case COSE_ALGORITHMS.EdDSA:
      requireParameters(key, KTY.OKP, CRV.Ed25519)
      return { alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: coordinate(key, LABEL.x) } }
    case COSE_ALGORITHMS.RS256:
      requirePasskey(key.get(LABEL.kty) === KTY.RSA, 'the public key has another type')
      return { alg: 'RS256', jwk: { kty: 'RSA', n: modulus(key), e: exponent(key) } }
    default:
      throw new PasskeyRefused('the public key has another algorithm')
  }
}

function requireParameters(key: CborMap, kty: number, crv: number): void {
  requirePasskey(key.get(LABEL.kty) === kty, 'the public key has another type')
  requirePasskey(key.get(LABEL.crv) === crv, 'the public key has another curve')
}

function bytesOf(key: CborMap, label: number, { min, max }: { min: number; max: number }): Uint8Array {
  const bytes = key.get(label)
  requirePasskey(bytes instanceof Uint8Array, 'the public key lacks a parameter')
  requirePasskey(
    bytes.length >= min && bytes.length <= max,
    'a parameter of the public key has another length',
  )
  return bytes
}

function coordinate(key: CborMap, label: number): string {
  return base64url.encode(bytesOf(key, label, { min: COORDINATE_BYTES, max: COORDINATE_BYTES }))
}

function modulus(key: CborMap): string {
  const bytes = bytesOf(key, LABEL.n, RSA_BYTES)
  requirePasskey(bytes[0] !== 0, 'the modulus has another length')
  return base64url.encode(bytes)
}

/** The exponent must be odd and more than 1: an exponent of 1 makes each signature valid. */
function exponent(key: CborMap): string {
  const bytes = bytesOf(key, LABEL.e, { min: 1, max: MAX_EXPONENT_BYTES })
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  requirePasskey(value > 2 && value % 2 === 1, 'the exponent is wrong')
  return base64url.encode(bytes)
}

/** The parameters of Web Crypto for a signature. */
const SIGNATURES = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const satisfies Record<PasskeyAlgorithm, object>

/** Whether the key made the signature of the data. A key that Web Crypto refuses made no signature. */
export async function verifySignature(
  { alg, jwk }: PasskeyPublicKey,
  signature: Uint8Array,
  data: Uint8Array,
): Promise<boolean> {
  const raw = alg === 'ES256' ? parseEcdsaSignature(signature) : signature
  if (raw === null) return false
  try {
    const key = (await importJWK(jwk, alg)) as CryptoKey
    return await crypto.subtle.verify(SIGNATURES[alg], key, raw, data)
  } catch {
    return false
  }
}

const SEQUENCE = 0x30
const INTEGER = 0x02

/** Converts an ECDSA signature from DER (RFC 3279 §2.2.3) to the concatenation of r and s; null for another text. */
function parseEcdsaSignature(der: Uint8Array): Uint8Array | null {
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) return null
  const r = readInteger(der, 2)
  const s = r && readInteger(der, r.end)
  if (!r || !s || s.end !== der.length) return null
  const raw = new Uint8Array(2 * COORDINATE_BYTES)
  raw.set(r.bytes, COORDINATE_BYTES - r.bytes.length)
  raw.set(s.bytes, 2 * COORDINATE_BYTES - s.bytes.length)
  return raw
}

/** Reads a positive integer of at most 32 bytes in its shortest form. */
function readInteger(der: Uint8Array, start: number): { bytes: Uint8Array; end: number } | null {
  const length = der[start + 1] ?? 0
  const end = start + 2 + length
  if (der[start] !== INTEGER || length === 0 || end > der.length) return null
  const [first = 0, second = 0] = der.subarray(start + 2, end)
  const hasPadding = first === 0 && length > 1
  if (first >= 0x80 || (hasPadding && second < 0x80)) return null
  const bytes = der.subarray(start + 2 + Number(hasPadding), end)
  return bytes.length > COORDINATE_BYTES ? null : { bytes, end }
}
