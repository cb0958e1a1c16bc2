import type { ApiConfig } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Parameters } from '../oauth/parameters.ts'
import type { StoredClient } from './client.ts'

/** A request of an authenticated client. */
export interface ClientRequest {
  client: StoredClient
  /** The hash of the secret that authenticated the client; null for a public client. */
  secretHash: string | null
  /** The API of the client. */
  api: ApiConfig
  parameters: Parameters
  context: RequestContext
}
