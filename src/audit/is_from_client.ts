import { isDocumentUrl } from '../oauth/document_client_id.ts'

/**
 * Whether events of a client use the budget of a client that an operator registered. Anyone can send the requests of a public client, and
 * anyone can publish a document with keys, so these requests use the budget of their address.
 */
export function isFromClient({
  id,
  authentication,
}: {
  id: string
  authentication: { method: string }
}): boolean {
  return authentication.method !== 'none' && !isDocumentUrl(id)
}
