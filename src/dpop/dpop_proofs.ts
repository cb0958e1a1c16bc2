import type { DpopNonces } from '#verify/dpop_nonces'
import {
  type DpopProof,
  InvalidProof,
  PROOF_EXPIRY_SECONDS,
  type ProofTarget,
  verifyDpopProof,
} from '#verify/dpop_proof'
import { ProofMemory } from '#verify/proof_memory'
import { invalidDpopProof, useDpopNonce } from '../oauth/errors.ts'

/** The most proofs that an isolate remembers. A further one replaces the oldest one. */
const MAX_PROOFS = 20_000

/** Accepts each DPoP proof once in an isolate (RFC 9449 §11.1). */
export class DpopProofs {
  readonly #nonces: DpopNonces
  readonly #accepted = new ProofMemory(MAX_PROOFS)

  constructor(nonces: DpopNonces) {
    this.#nonces = nonces
  }

  /**
   * Verifies a proof, and remembers it.
   *
   * @param needsNonce Whether the proof must have a nonce of this server.
   * @returns the thumbprint of its key
   * @throws OAuthError invalid_dpop_proof; use_dpop_nonce with a nonce for the next proof
   */
  async accept(proof: string, target: ProofTarget, { needsNonce }: { needsNonce: boolean }): Promise<string> {
    const { now } = target
    const { thumbprint, jti, nonce } = await verify(proof, target)
    if (needsNonce && !(nonce !== null && (await this.#nonces.isCurrent(nonce, now))))
      throw useDpopNonce(await this.#nonces.issue(now))
    const isNew = this.#accepted.remember(`${thumbprint} ${jti}`, now + PROOF_EXPIRY_SECONDS, now)
    if (!isNew) throw invalidDpopProof('the proof was used before')
    return thumbprint
  }
}

/** @throws OAuthError invalid_dpop_proof */
async function verify(proof: string, target: ProofTarget): Promise<DpopProof> {
  try {
    return await verifyDpopProof(proof, target)
  } catch (error) {
    throw error instanceof InvalidProof ? invalidDpopProof(error.message) : error
  }
}
