import type { ClientRequest } from '../clients/client_request.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { SessionFacts } from '../tokens/claims.ts'

/** The fact of a session that its client began with an assertion; null for a session of another client. */
export function clientMethodOf({ proof }: Pick<ClientRequest, 'proof'>): string | null {
  return proof.method === 'private_key_jwt' ? proof.method : null
}

/**
 * Requires that a client which began the session with an assertion still authenticates. Otherwise a stolen refresh token works without
 * the key when the client can also be public.
 *
 * @throws OAuthError invalid_client
 */
export function requireClientMethod(
  { clientMethod }: Pick<SessionFacts, 'clientMethod'>,
  { proof }: Pick<ClientRequest, 'proof'>,
): void {
  if (clientMethod && proof.method === 'none')
    throw invalidClient('the session began with an assertion of the client')
}
