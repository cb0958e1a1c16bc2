import type { Client } from '../clients/client.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { GrantType } from '../oauth/grant_type.ts'
import type { Parameters } from '../oauth/parameters.ts'
import type { SessionStore } from '../sessions/session_store.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { UserStore } from '../users/user_store.ts'
import type { TokenResponse } from './issue_tokens.ts'

/** A request for a token, once its client is known. */
export interface GrantRequest {
  client: Client
  /** The API that the client belongs to: the tokens are for it alone. */
  api: ApiConfig
  parameters: Parameters
  context: RequestContext
}

/** What the grants work with. */
export interface GrantServices {
  config: Config
  keys: KeyRing
  users: UserStore
  passwords: PasswordHasher
  sessions: SessionStore
}

/** One way to get a token (RFC 6749 §1.3). */
export interface Grant {
  type: GrantType
  /** Whether the server offers it at all. */
  isOffered(config: Config): boolean
  /** Whether this client may use it. */
  isAllowed(client: Client): boolean
  /** @throws OAuthError */
  run(request: GrantRequest, services: GrantServices): Promise<TokenResponse>
}
