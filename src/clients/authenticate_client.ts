import type { RequestContext } from '../lib/request_context.ts'
import type { ClientCredentials } from '../oauth/client_authentication.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { StoredClient } from './client.ts'
import { verifyClientSecret } from './client_secret.ts'
import type { ClientStore } from './client_store.ts'

/** A client that has proven who it is. */
export interface ProvenClient {
  client: StoredClient
  /** The hash of the secret by which it did; null for a public client. */
  secretHash: string | null
}

/**
 * The client that the credentials prove (RFC 6749 §2.3). Unknown, disabled and wrongly authenticated clients get the same
 * refusal after the same check of the secret. The look-up of the record may take longer the first time: that a client
 * exists is no secret.
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
    // An outdated copy must not refuse a request: it may lack the client or its newest secret.
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
  const secretHash = await verifyClientSecret(secrets, client, context.now)
  if (client === null) throw invalidClient('unknown client')
  if (!client.enabled) throw invalidClient('disabled client')
  if (client.confidential && secretHash === null) throw invalidClient('wrong client secret')
  if (!client.confidential && secrets.length > 0) throw invalidClient('a public client has no secret')
  return { client, secretHash }
}
