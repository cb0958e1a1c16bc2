import type { ApiConfig } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Parameters } from '../oauth/parameters.ts'
import type { StoredClient } from './client.ts'
import type { ClientProof } from './client_proof.ts'

/** A request of an authenticated client. */
export interface ClientRequest {
  client: StoredClient
  proof: ClientProof
  /** The RFC 7638 thumbprint of the key of the DPoP proof; null without a proof (RFC 9449 §4). */
  proofKey: string | null
  /** The API that the request is about. It begins as the client's own API, and `resource`, a code or a token can name another. */
  api: ApiConfig
  parameters: Parameters
  context: RequestContext
}
