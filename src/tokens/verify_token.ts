import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { hasCanonicalSignature } from '#verify/canonical_signature'
import type { KeyRing } from '../keys/key_ring.ts'
import { compact } from '../lib/compact.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { parseClaims, type TokenClaims } from './claims.ts'
import { InvalidToken } from './invalid_token.ts'

/** The token is from this server and has expired. */
export class ExpiredToken extends InvalidToken {
  override name = 'ExpiredToken'
  readonly claims: TokenClaims

  constructor(message: string, claims: TokenClaims) {
    super(message)
    this.claims = claims
  }
}

/** The claims and the header that a token must have. */
export interface ExpectedToken {
  issuer: string
  /** The token must have one of these audiences. Absent: the caller checks the audience. */
  audience?: string | string[]
  /** The `typ` of the header. */
  type: string
}

/**
 * Checks the signature, type, issuer, audience and expiry of a token, and returns its claims (RFC 8725 §3).
 *
 * @throws InvalidToken, ExpiredToken, StorageUnavailable
 */
export async function verifyToken(
  token: string,
  expected: ExpectedToken & { audience: string | string[] },
  keys: Pick<KeyRing, 'find'>,
  context: RequestContext,
): Promise<TokenClaims> {
  const { payload, expiry } = await checkToken(token, expected, keys, context)
  const claims = parseClaims(payload)
  if (expiry !== null) throw new ExpiredToken(expiry, claims)
  return claims
}

/**
 * Checks the same except the expiry.
 *
 * @returns The payload. `expiry` describes an expired token; it is null for another token.
 * @throws InvalidToken, StorageUnavailable
 */
export async function checkToken(
  token: string,
  { issuer, audience, type }: ExpectedToken,
  keys: Pick<KeyRing, 'find'>,
  context: RequestContext,
): Promise<{ payload: JWTPayload; expiry: string | null }> {
  const key = await keys.find(readHeader(token).kid ?? '', context)
  if (key === null) throw new InvalidToken('the token is not signed by a key of this server')
  const options = {
    algorithms: [key.alg],
    typ: type,
    issuer,
    ...compact({ audience }),
    currentDate: new Date(context.now * 1000),
    requiredClaims: ['iat', 'exp'],
  }
  try {
    const { payload } = await jwtVerify(token, key.publicKey, options)
    if (!hasCanonicalSignature(token)) throw new InvalidToken('the signature is not in its canonical form')
    return { payload, expiry: null }
  } catch (error) {
    // The error has only the code and the name of the claim, because the message of jose may quote the token.
    // jose checks the expiry last, so an expired token passed all other checks.
    if (error instanceof errors.JWTExpired) {
      return { payload: error.payload, expiry: describeJoseError(error) }
    }
    if (error instanceof errors.JOSEError) throw new InvalidToken(describeJoseError(error))
    throw error
  }
}

function describeJoseError(error: errors.JOSEError): string {
  const isOfClaim = error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
  return isOfClaim ? `${error.code} ${error.claim}` : error.code
}

/** The `typ` and `kid` of a token. They are not verified. @throws InvalidToken */
export function readHeader(token: string): { typ?: string | undefined; kid?: string | undefined } {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new InvalidToken('the token is not a JWT')
  }
}
