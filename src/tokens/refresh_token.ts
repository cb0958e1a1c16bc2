import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod/mini'
import type { KeyRing } from '../keys/key_ring.ts'
import type { SigningKey } from '../keys/signing_key.ts'
import { describeError } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { invalidRefreshToken } from '../oauth/errors.ts'
import { formatScope, parseScope } from '../oauth/scope.ts'

/** Keeps a refresh token from passing for an access token, beside its audience, which is the issuer. */
export const REFRESH_TOKEN_TYPE = 'rt+jwt'

/** What a refresh token says. Times are Unix seconds. */
export interface RefreshTokenClaims {
  issuer: string
  subject: string
  clientId: string
  issuedAt: number
  expiresAt: number
  sid: string
  /** How many times the session was refreshed. */
  seq: number
  /** The whole scope of the session. */
  scope: readonly string[]
}

const payloadSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  client_id: z.string(),
  iat: z.int(),
  exp: z.int(),
  sid: z.string(),
  seq: z.int().check(z.gte(0)),
  scope: z.optional(z.string()),
})

/** Signs a refresh token. Its `jti` is the session and its number, so the same successor has the same name. */
export function issueRefreshToken(claims: RefreshTokenClaims, key: SigningKey): Promise<string> {
  const payload: JWTPayload = {
    iss: claims.issuer,
    aud: claims.issuer,
    sub: claims.subject,
    client_id: claims.clientId,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti: `${claims.sid}.${claims.seq}`,
    sid: claims.sid,
    ...(claims.scope.length === 0 ? {} : { scope: formatScope(claims.scope) }),
    seq: claims.seq,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: REFRESH_TOKEN_TYPE })
    .sign(key.privateKey)
}

/**
 * What a refresh token of ours says, once its signature, type, issuer, audience and time are right
 * (RFC 8725 §3.1, §3.11).
 *
 * @throws OAuthError invalid_grant for anything else
 */
export async function verifyRefreshToken(
  token: string,
  { keys, issuer }: { keys: Pick<KeyRing, 'find'>; issuer: string },
  context: RequestContext,
): Promise<RefreshTokenClaims> {
  const key = await keys.find(readKid(token), context)
  if (key === null) throw invalidRefreshToken('signed by no key of ours')
  const options = {
    algorithms: [key.alg],
    typ: REFRESH_TOKEN_TYPE,
    issuer,
    audience: issuer,
    currentDate: new Date(context.now * 1000),
    requiredClaims: ['iat', 'exp'],
  }
  const { payload } = await jwtVerify(token, key.publicKey, options).catch((error: unknown) => {
    throw invalidRefreshToken(describeError(error))
  })
  return decodePayload(payload)
}

function readKid(token: string): string {
  try {
    return decodeProtectedHeader(token).kid ?? ''
  } catch {
    throw invalidRefreshToken('not a JWT')
  }
}

function decodePayload(payload: JWTPayload): RefreshTokenClaims {
  const result = payloadSchema.safeParse(payload)
  if (!result.success) throw invalidRefreshToken('its claims are not those of a refresh token')
  const { iss, sub, client_id, iat, exp, sid, seq, scope } = result.data
  return {
    ...{ issuer: iss, subject: sub, clientId: client_id, issuedAt: iat, expiresAt: exp, sid, seq },
    scope: scope === undefined ? [] : parseScope(scope),
  }
}
