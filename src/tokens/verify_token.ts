import { base64url, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { KeyRing } from '../keys/key_ring.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { parseClaims, type TokenClaims } from './claims.ts'
import { InvalidToken } from './invalid_token.ts'

/** One that is ours, but for its time. */
export class ExpiredToken extends InvalidToken {
  override name = 'ExpiredToken'
  readonly claims: TokenClaims

  constructor(message: string, claims: TokenClaims) {
    super(message)
    this.claims = claims
  }
}

export interface ExpectedToken {
  issuer: string
  audience: string | string[]
  /** The header's `typ`. */
  type: string
}

/**
 * What a token of ours says, once its signature, type, issuer, audience and time are right (RFC 8725 §3).
 *
 * @throws InvalidToken, ExpiredToken, StorageUnavailable
 */
export async function verifyToken(
  token: string,
  { issuer, audience, type }: ExpectedToken,
  keys: Pick<KeyRing, 'find'>,
  context: RequestContext,
): Promise<TokenClaims> {
  const key = await keys.find(readHeader(token).kid ?? '', context)
  if (key === null) throw new InvalidToken('signed by no key of ours')
  const options = {
    algorithms: [key.alg],
    typ: type,
    issuer,
    audience,
    currentDate: new Date(context.now * 1000),
    requiredClaims: ['iat', 'exp'],
  }
  try {
    const { payload } = await jwtVerify(token, key.publicKey, options)
    if (!isWrittenExactly(token))
      throw new InvalidToken('its signature is written another way than it was issued')
    return parseClaims(payload)
  } catch (error) {
    // The code and the claim's name alone: the message may quote the token. The time is looked at last.
    if (error instanceof errors.JWTExpired) {
      throw new ExpiredToken(describeJoseError(error), parseClaims(error.payload))
    }
    if (error instanceof errors.JOSEError) throw new InvalidToken(describeJoseError(error))
    throw error
  }
}

/** Decoders of base64url pass over padding, spaces and spare bits (RFC 7515 §2 has none). The rest is signed as text. */
function isWrittenExactly(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return base64url.encode(base64url.decode(signature)) === signature
}

function describeJoseError(error: errors.JOSEError): string {
  const isOfClaim = error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
  return isOfClaim ? `${error.code} ${error.claim}` : error.code
}

/** The `typ` and `kid` that a token claims, before anything is verified. @throws InvalidToken */
export function readHeader(token: string): { typ?: string | undefined; kid?: string | undefined } {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new InvalidToken('not a JWT')
  }
}
