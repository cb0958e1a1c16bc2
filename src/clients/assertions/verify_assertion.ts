import { type CryptoKey, compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import * as z from 'zod/mini'
import { invalidClient } from '../../oauth/errors.ts'
import {
  type AssertionAlgorithm,
  fitsAlgorithm,
  isAssertionAlgorithm,
  type Jwk,
  nameOfKey,
} from './public_keys.ts'

/** The longest lifetime of an assertion, so that its `jti` must be stored for a short time only. */
export const MAX_ASSERTION_SECONDS = 300

/** A client's clock can be ahead of the server's by this time. */
const MAX_SKEW_SECONDS = 60

/** `application/` in a media type can be omitted (RFC 7515 §4.1.9). */
const TYPE = /^(?:application\/)?(?:jwt|client-authentication\+jwt)$/i

const headerSchema = z.looseObject({
  alg: z.string(),
  typ: z.optional(z.string()),
  kid: z.optional(z.string()),
})

/** One value of `aud`. A list of one value is also one value (RFC 7519 §4.1.3). */
const audienceSchema = z.union([z.string(), z.tuple([z.string()])])

const claimsSchema = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: audienceSchema,
  exp: z.number(),
  iat: z.optional(z.number()),
  nbf: z.optional(z.number()),
  jti: z.optional(z.string()),
})
type AssertionClaims = z.output<typeof claimsSchema>

/** An assertion whose claims are valid and whose signature is not verified yet. */
export interface ParsedAssertion {
  /** The whole JWT. */
  text: string
  alg: AssertionAlgorithm
  /** Null if the header names no key. */
  kid: string | null
  /** Null without `jti`. */
  jti: string | null
  /** Unix seconds. */
  expiresAt: number
}

/**
 * Parses the assertion of a client and checks its claims (RFC 7523 §3).
 *
 * @param expected.audience The required `aud`.
 * @param expected.now Unix seconds.
 * @throws OAuthError invalid_client
 */
export function parseAssertion(
  text: string,
  { clientId, audience, now }: { clientId: string; audience: string; now: number },
): ParsedAssertion {
  const header = decode(headerSchema, () => decodeProtectedHeader(text))
  const claims = decode(claimsSchema, () => decodeJwt(text))
  const { alg, typ, kid = null } = header
  if (!isAssertionAlgorithm(alg)) throw invalidClient('the assertion has an algorithm that is not allowed')
  if (typ !== undefined && !TYPE.test(typ)) throw invalidClient('the assertion has another type')
  if (claims.iss !== clientId || claims.sub !== clientId)
    throw invalidClient('the assertion is about another client')
  if ([claims.aud].flat()[0] !== audience) throw invalidClient('the assertion has another audience')
  requireCurrent(claims, now)
  return { text, alg, kid, jti: claims.jti ?? null, expiresAt: Math.ceil(claims.exp) }
}

/** @throws OAuthError invalid_client if the assertion has expired, lives too long or begins later */
function requireCurrent({ exp, nbf, iat }: AssertionClaims, now: number): void {
  if (exp <= now) throw invalidClient('the assertion has expired')
  if (exp > now + MAX_ASSERTION_SECONDS) throw invalidClient('the assertion lives too long')
  const begins = Math.max(nbf ?? 0, iat ?? 0)
  if (begins > now + MAX_SKEW_SECONDS || begins > exp) throw invalidClient('the assertion is not valid yet')
}

/**
 * Finds the key that signed an assertion.
 *
 * @param keys Keys without a problem (`findKeyProblem`). A key without `kid` can be the key of every `kid`.
 * @returns the name of the key (`nameOfKey`); null if no key verifies the signature
 */
export async function findSigningKey(
  { text, alg, kid }: ParsedAssertion,
  keys: readonly Jwk[],
): Promise<string | null> {
  for (const jwk of keys) {
    const isNamed = kid === null || jwk.kid === undefined || jwk.kid === kid
    if (isNamed && fitsAlgorithm(jwk, alg) && (await verifies(text, jwk, alg))) return nameOfKey(jwk)
  }
  return null
}

async function verifies(text: string, jwk: Jwk, alg: AssertionAlgorithm): Promise<boolean> {
  try {
    await compactVerify(text, await importOnce(jwk, alg), { algorithms: [alg] })
    return true
  } catch {
    return false
  }
}

/** The imported keys of the clients in the cache of the isolate. An import costs more than a signature check. */
const imported = new WeakMap<Jwk, Map<AssertionAlgorithm, Promise<CryptoKey>>>()

function importOnce(jwk: Jwk, alg: AssertionAlgorithm): Promise<CryptoKey> {
  const keys = imported.get(jwk) ?? new Map<AssertionAlgorithm, Promise<CryptoKey>>()
  imported.set(jwk, keys)
  const key = keys.get(alg) ?? importPublic(jwk, alg)
  keys.set(alg, key)
  return key
}

/** Imports the members of the public key only, so that `key_ops` and `ext` have no effect. */
async function importPublic({ kty, crv, n, e, x, y }: Jwk, alg: AssertionAlgorithm): Promise<CryptoKey> {
  const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined)
  const key = await importJWK(Object.fromEntries(members), alg)
  if (key instanceof Uint8Array) throw new TypeError('a public key cannot be symmetric')
  return key
}

/** @throws OAuthError invalid_client for a text that is not a JWT with these members */
function decode<T>(schema: z.ZodMiniType<T>, read: () => unknown): T {
  try {
    return schema.parse(read())
  } catch {
    throw invalidClient('the assertion is malformed')
  }
}
