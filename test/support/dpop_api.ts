import {
  createVerifier,
  type DpopMode,
  type DpopOptions,
  TokenError,
  type Verifier,
  type VerifierOptions,
} from '../../packages/verify/src/index.ts'
import { createTestIssuer, createTestProofKey, type ProofOptions } from '../../packages/verify/src/testing.ts'

// An API that accepts tokens that are bound to a key, and the keys of its clients.

export const AUDIENCE = 'https://shop.test/api'
export const URL_OF_CART = `${AUDIENCE}/cart`
export const NOW = Math.floor(Date.now() / 1000)

export const issuer = await createTestIssuer()
export const key = await createTestProofKey()
export const other = await createTestProofKey()
export const bound = await issuer.mint({
  audience: AUDIENCE,
  keyThumbprint: key.thumbprint,
  subject: 'user:1',
})
export const bound2 = await issuer.mint({ audience: AUDIENCE, keyThumbprint: key.thumbprint })
export const plain = await issuer.mint({ audience: AUDIENCE })

export function verifierWith(dpop?: DpopMode | DpopOptions, more: Partial<VerifierOptions> = {}) {
  return createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch, dpop, ...more })
}

export const cart = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
  new Request(`${URL_OF_CART}?a=b`, { ...init, headers })
export const proofFor = (options: ProofOptions = {}) =>
  key.prove(cart(), { accessToken: bound, now: NOW, ...options })

/** `accepted`, or the refusal as `code: reason`. */
export async function outcomeOf(verifier: Verifier, input: Request | string, now = NOW): Promise<string> {
  try {
    await verifier.verify(input, { now })
    return 'accepted'
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    return `${error.code}: ${error.message}`
  }
}

/** @throws Error if the token is accepted */
export async function refusalOf(verifier: Verifier, input: Request | string): Promise<TokenError> {
  const error: unknown = await verifier.verify(input, { now: NOW, scope: '' }).catch((thrown) => thrown)
  if (!(error instanceof TokenError)) throw new Error('the token is accepted')
  return error
}
