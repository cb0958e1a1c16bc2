import type { RequestContext } from '../lib/request_context.ts'
import type { ClientCredentials } from '../oauth/client_authentication.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { StoredClient } from './client.ts'
import { type ClientProof, NO_PROOF } from './client_proof.ts'
import { verifyClientSecret } from './client_secret.ts'
import type { ClientStore } from './client_store.ts'

/** A client after its authentication. */
export interface ProvenClient {
  client: StoredClient
  proof: ClientProof
}

/**
 * Authenticates a client by its credentials (RFC 6749 §2.3). An unknown client, a disabled client and a wrong secret get the
 * same refusal after the same check of the secret. The first look-up of a client may take longer; a client id is not secret.
 *
 * @throws OAuthError invalid_client
 */
export async function authenticateClient(
  credentials: ClientCredentials,
  clients: Pick<ClientStore, 'find' | 'findCurrent'>,
  context: RequestContext,
): Promise<ProvenClient> {
  const client = await clients.find(credentials.id, context)
  try {
    return await prove(credentials, client, context)
  } catch (error) {
    // A refusal needs current data, because an outdated copy may lack the client or its newest secret.
    const current = await clients.findCurrent(credentials.id, context)
    if (current === client) throw error
    return prove(credentials, current, context)
  }
}

/** @throws OAuthError invalid_client */
async function prove(
  { secrets }: ClientCredentials,
  client: StoredClient | null,
  context: RequestContext,
): Promise<ProvenClient> {
  const secretHash = await verifyClientSecret(secrets, client?.authentication ?? null, context.now)
  if (client === null) throw invalidClient('unknown client')
  if (!client.enabled) throw invalidClient('disabled client')
  switch (client.authentication.method) {
    case 'client_secret':
      if (secretHash === null) throw invalidClient('wrong client secret')
      return { client, proof: { method: 'client_secret', secretHash } }
    case 'none':
      if (secrets.length > 0) throw invalidClient('a public client has no secret')
      return { client, proof: NO_PROOF }
  }
}
