import type { ClientRequest } from '../clients/client_request.ts'
import { invalidDpopProof } from '../oauth/errors.ts'
import type { AuthorizationRequest } from './authorization_request.ts'

/**
 * Binds a request that the client itself sent to the key of its DPoP proof (RFC 9449 §10.1).
 *
 * @param proofKey The thumbprint of the key; null without a proof.
 * @throws OAuthError invalid_dpop_proof if `dpop_jkt` names another key
 */
export function bindToProof(request: AuthorizationRequest, proofKey: string | null): AuthorizationRequest {
  if (proofKey === null || request.proofKey === proofKey) return request
  if (request.proofKey !== null) throw invalidDpopProof('dpop_jkt names another key')
  return { ...request, proofKey }
}

/** The key to which the code of a request will be bound; null without one. `bindToProof` refuses two keys. */
export function codeKeyOf({
  proofKey,
  parameters,
}: Pick<ClientRequest, 'proofKey' | 'parameters'>): string | null {
  return proofKey ?? parameters.find('dpop_jkt')
}
