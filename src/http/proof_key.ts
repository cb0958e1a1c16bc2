import type { Context } from 'hono'
import type { Config } from '../config/config.ts'
import type { DpopProofs } from '../dpop/dpop_proofs.ts'

/** The services that read a proof. */
export interface ProofServices {
  config: Pick<Config, 'issuer'>
  dpopProofs: DpopProofs
}

/** The demands on the proof of a request. */
interface ProofDemands {
  /** The access token in the request; null without one. */
  accessToken: string | null
  needsNonce: boolean
  /** Unix seconds. */
  now: number
}

/**
 * Reads the header `DPoP` of a request (RFC 9449 §4.1).
 *
 * @returns the thumbprint of its key; null without the header
 * @throws OAuthError invalid_dpop_proof, use_dpop_nonce
 */
export async function readProofKey(
  c: Context,
  { accessToken, needsNonce, now }: ProofDemands,
  { config, dpopProofs }: ProofServices,
): Promise<string | null> {
  const proof = c.req.header('DPoP')
  if (proof === undefined) return null
  const target = { method: c.req.method, url: config.issuer + new URL(c.req.url).pathname, accessToken, now }
  return dpopProofs.accept(proof, target, { needsNonce })
}
