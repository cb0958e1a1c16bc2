import { base64url, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import * as z from 'zod/mini'
import type { KeyRing } from '../keys/key_ring.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { parseScope } from '../oauth/scope.ts'

/** A token that is not ours, not of this kind, or no longer good. The message says why, to the log alone. */
export class InvalidToken extends Error {
  override name = 'InvalidToken'
}

/** One that is ours, but for its time. */
export class ExpiredToken extends InvalidToken {
  override name = 'ExpiredToken'
  readonly claims: TokenClaims

  constructor(message: string, claims: TokenClaims) {
    super(message)
    this.claims = claims
  }
}

/** What any token of ours says. Times are Unix seconds. */
export interface TokenClaims {
  audience: string
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  jti: string
  /** Null for a client's own token. */
  sid: string | null
  /** How many times the session was refreshed; null in an access token. */
  seq: number | null
  scope: readonly string[]
  roles: readonly string[]
  visitorId: string | null
}

export interface ExpectedToken {
  issuer: string
  audience: string | string[]
  /** The header's `typ`. */
  type: string
}

const payloadSchema = z.object({
  aud: z.string(),
  sub: z.string(),
  client_id: z.string(),
  iat: z.int(),
  exp: z.int(),
  jti: z.string(),
  sid: z.optional(z.string()),
  seq: z.optional(z.int().check(z.gte(0))),
  scope: z.optional(z.string()),
  roles: z.optional(z.array(z.string())),
  visitor_id: z.optional(z.string()),
})

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
    return decodePayload(payload)
  } catch (error) {
    // The code and the claim's name alone: the message may quote the token. The time is looked at last.
    if (error instanceof errors.JWTExpired) {
      throw new ExpiredToken(describeJoseError(error), decodePayload(error.payload))
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

function decodePayload(payload: JWTPayload): TokenClaims {
  const result = payloadSchema.safeParse(payload)
  if (!result.success) throw new InvalidToken('its claims are not those of a token of ours')
  const { aud, sub, client_id, iat, exp, jti, sid, seq, scope, roles, visitor_id } = result.data
  return {
    audience: aud,
    subject: sub,
    clientId: client_id,
    issuedAt: iat,
    expiresAt: exp,
    jti,
    sid: sid ?? null,
    seq: seq ?? null,
    scope: scope === undefined ? [] : parseScope(scope),
    roles: roles ?? [],
    visitorId: visitor_id ?? null,
  }
}
