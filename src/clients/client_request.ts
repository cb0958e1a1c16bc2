import type { ApiConfig } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Parameters } from '../oauth/parameters.ts'
import type { StoredClient } from './client.ts'
import type { ClientProof } from './client_proof.ts'

/** A request of an authenticated client. */
export interface ClientRequest {
  client: StoredClient
  proof: ClientProof
  /** The API of the client. */
  api: ApiConfig
  parameters: Parameters
  context: RequestContext
}
