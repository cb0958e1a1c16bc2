import { base64url } from 'jose'
import * as z from 'zod/mini'

/** The algorithms of assertions (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2), with the type and the curve of their keys. */
const KEY_TYPES = {
  RS256: { kty: 'RSA', crv: undefined },
  PS256: { kty: 'RSA', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
} as const

export type AssertionAlgorithm = keyof typeof KEY_TYPES
export const ASSERTION_ALGORITHMS = Object.keys(KEY_TYPES) as AssertionAlgorithm[]

export function isAssertionAlgorithm(alg: string | undefined): alg is AssertionAlgorithm {
  return alg !== undefined && Object.hasOwn(KEY_TYPES, alg)
}

/** The members of private keys and of symmetric keys (RFC 7518 §6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The most keys of a client, and the longest set in characters of JSON. */
export const MAX_KEYS = 10
const MAX_SET_CHARACTERS = 8192

const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192
const MAX_EXPONENT_BYTES = 4
const CURVE_BYTES = 32

const keySchema = z.looseObject({ kty: z.string('must have the member kty') })
/** A JSON Web Key (RFC 7517 §4). */
export type Jwk = z.output<typeof keySchema>

/** A JSON Web Key Set (RFC 7517 §5) as a store has it. */
export const storedKeysSchema = z.object({ keys: z.array(keySchema) })
export type KeySet = z.output<typeof storedKeysSchema>

/** A JSON Web Key Set that an operator gives. */
export const keysSchema: z.ZodMiniType<KeySet> = z
  .strictObject(
    {
      keys: z
        .array(
          keySchema.check(
            z.refine((jwk) => findKeyProblem(jwk) === null, {
              error: ({ input }) => findKeyProblem(Object(input)),
            }),
          ),
          'must be a list of keys',
        )
        .check(
          z.minLength(1, 'must have at least one key'),
          z.maxLength(MAX_KEYS, `must have at most ${MAX_KEYS} keys`),
        ),
    },
    'must be a JSON Web Key Set, such as {"keys": [{"kty": "EC", …}]}',
  )
  .check(
    z.refine(
      (set) => JSON.stringify(set).length <= MAX_SET_CHARACTERS,
      `must have at most ${MAX_SET_CHARACTERS} characters`,
    ),
  )

/** Finds the problem of a key; null for a public key that verifies assertions of one of the algorithms. */
export function findKeyProblem(jwk: Jwk): string | null {
  if (SECRET_MEMBERS.some((member) => jwk[member] !== undefined))
    return 'must be a public key, without the members of a private or symmetric key'
  const { kid, alg, use, key_ops: operations } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256))
    return 'must have a kid of at most 256 characters'
  if (use !== undefined && use !== 'sig') return 'must have no use except sig'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'must have no key_ops without verify'
  if (alg !== undefined && !ASSERTION_ALGORITHMS.some((known) => known === alg && hasType(jwk, known)))
    return `must have no alg except one of ${ASSERTION_ALGORITHMS.join(', ')} that fits the key`
  if (jwk.kty === 'RSA') return findRsaProblem(jwk)
  if (!ASSERTION_ALGORITHMS.some((known) => hasType(jwk, known)))
    return 'must be an RSA key, an EC key on P-256 or an OKP key on Ed25519'
  const coordinates = jwk.kty === 'EC' ? [jwk.x, jwk.y] : [jwk.x]
  return coordinates.every((value) => lengthOf(value) === CURVE_BYTES)
    ? null
    : `must have coordinates of ${CURVE_BYTES} bytes in base64url`
}

/** Whether a key can verify an assertion of an algorithm. @param jwk A key without a problem. */
export function fitsAlgorithm(jwk: Jwk, alg: AssertionAlgorithm): boolean {
  return hasType(jwk, alg) && (jwk.alg === undefined || jwk.alg === alg)
}

/**
 * The modulus or the coordinate of a public key. It names the key in SQL, because no two keys have the same one.
 *
 * @param jwk A key without a problem.
 */
export function nameOfKey({ n, x }: Jwk): string {
  return String(n ?? x)
}

function hasType({ kty, crv }: Jwk, alg: AssertionAlgorithm): boolean {
  return kty === KEY_TYPES[alg].kty && crv === KEY_TYPES[alg].crv
}

function findRsaProblem({ n, e }: Jwk): string | null {
  const bits = bitsOf(n)
  const exponentBytes = lengthOf(e)
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    return `must have a modulus of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits in base64url`
  return exponentBytes > 0 && exponentBytes <= MAX_EXPONENT_BYTES
    ? null
    : `must have an exponent of at most ${MAX_EXPONENT_BYTES} bytes in base64url`
}

/** The bits of a number in base64url, without leading zeros; 0 for another value. */
function bitsOf(value: unknown): number {
  const bytes = bytesOf(value)
  const first = bytes?.findIndex((byte) => byte !== 0) ?? -1
  if (bytes === null || first === -1) return 0
  return (bytes.length - first) * 8 - (Math.clz32(bytes[first] ?? 0) - 24)
}

/** The bytes of a value in base64url; 0 for another value. */
function lengthOf(value: unknown): number {
  return bytesOf(value)?.length ?? 0
}

/** Null for a value that is not text in base64url without padding. */
function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value !== 'string') return null
  try {
    const bytes = base64url.decode(value)
    return base64url.encode(bytes) === value ? bytes : null
  } catch {
    return null
  }
}
