import type { RequestContext } from '../lib/request_context.ts'
import type { ClientCredentials } from '../oauth/client_authentication.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { AssertionVerifier } from './assertions/assertion_verifier.ts'
import { hasKeys, type StoredClient } from './client.ts'
import { type ClientProof, NO_PROOF } from './client_proof.ts'
import { verifyClientSecret } from './client_secret.ts'
import type { ClientStore } from './client_store.ts'

/** A client after its authentication. */
export interface ProvenClient {
  client: StoredClient
  proof: ClientProof
}

export interface AuthenticationServices {
  clients: Pick<ClientStore, 'find' | 'findCurrent'>
  assertions: AssertionVerifier
}

/**
 * Authenticates a client by its credentials (RFC 6749 §2.3). An unknown client, a disabled client and a wrong secret get the
 * same refusal after the same check of the secret. The response time can still show whether a client id exists: the first look-up of
 * a client can take longer, and only the assertion of a known client has its signature checked. This is acceptable, because a client
 * id is not secret.
 *
 * @throws OAuthError invalid_client
 */
export async function authenticateClient(
  credentials: ClientCredentials,
  services: AuthenticationServices,
  context: RequestContext,
): Promise<ProvenClient> {
  const { clients } = services
  const client = await clients.find(credentials.id, context)
  try {
    return await prove(credentials, client, services, context)
  } catch (error) {
    // A refusal needs current data, because an outdated copy may lack the client, its newest secret or its newest key.
    const current = await clients.findCurrent(credentials.id, context)
    if (current === client) throw error
    return prove(credentials, current, services, context)
  }
}

/** @throws OAuthError invalid_client */
async function prove(
  { secrets, assertion }: ClientCredentials,
  client: StoredClient | null,
  { assertions }: AuthenticationServices,
  context: RequestContext,
): Promise<ProvenClient> {
  if (assertion !== null) {
    const signer = requireKnown(client)
    // A metadata document can give keys to a public client too. Such a client can send each request with or without an assertion.
    if (!hasKeys(signer)) throw invalidClient('the client has no keys')
    return { client: signer, proof: await assertions.verify(assertion, signer, context) }
  }
  const secretHash = await verifyClientSecret(secrets, client?.authentication ?? null, context.now)
  const known = requireKnown(client)
  switch (known.authentication.method) {
    case 'private_key_jwt':
      throw invalidClient('the client has no secret')
    case 'client_secret':
      if (secretHash === null) throw invalidClient('wrong client secret')
      return { client: known, proof: { method: 'client_secret', secretHash } }
    case 'none':
      if (secrets.length > 0) throw invalidClient('a public client has no secret')
      return { client: known, proof: NO_PROOF }
  }
}

/** @throws OAuthError invalid_client */
function requireKnown(client: StoredClient | null): StoredClient {
  if (client === null) throw invalidClient('unknown client')
  if (!client.enabled) throw invalidClient('disabled client')
  return client
}
