import type { Context } from 'hono'
import { type PresentedToken, readPresentedToken } from '../oauth/bearer.ts'
import { invalidAccessToken, missingAccessToken, OAuthError } from '../oauth/errors.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { type ProofServices, readProofKey } from './proof_key.ts'

/** Reads the access token of the Authorization header. @throws OAuthError invalid_token */
export function requirePresentedToken(c: Context): PresentedToken {
  const authorization = c.req.header('Authorization')
  if (authorization === undefined) throw missingAccessToken()
  const presented = readPresentedToken(authorization)
  if (presented === null) throw invalidAccessToken('the token is not a Bearer or DPoP token')
  return presented
}

/**
 * Requires the scheme DPoP and a proof of its key for a token that is bound to a key, and the scheme Bearer for any other token
 * (RFC 9449 §7.1, §7.2). A stolen bound token is then useless without the key.
 *
 * @throws OAuthError invalid_token
 */
export async function requireBinding(
  c: Context,
  { scheme, token }: PresentedToken,
  { keyThumbprint }: Pick<TokenClaims, 'keyThumbprint'>,
  { services, now }: { services: ProofServices; now: number },
): Promise<void> {
  if (keyThumbprint === null) {
    if (scheme === 'DPoP') throw invalidAccessToken('the token is not bound to a key')
    return
  }
  if (scheme === 'Bearer') throw invalidAccessToken('the token is bound to a key')
  const proofKey = await readProofKey(c, { accessToken: token, needsNonce: false, now }, services).catch(
    (error) => {
      throw error instanceof OAuthError ? invalidAccessToken(error.reason) : error
    },
  )
  if (proofKey !== keyThumbprint) throw invalidAccessToken('the proof has another key, or is missing')
}
