import type { AccountDeletion } from '../accounts/account_deletion.ts'
import type { Notifications } from '../accounts/notifications.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { CodeSealer } from '../authorization/authorization_code.ts'
import type { ConsentStore } from '../authorization/consent_store.ts'
import type { AuthSessions } from '../challenge/auth_session.ts'
import type { Client } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import type { ClientStore } from '../clients/client_store.ts'
import type { ClientTableStore } from '../clients/client_table_store.ts'
import type { MetadataClientStore } from '../clients/metadata/metadata_client_store.ts'
import type { Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import type { GrantType } from '../oauth/grant_type.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { EmailSecondFactor } from '../signin/email_second_factor.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { ChangeListStore } from '../storage/change_list_store.ts'
import type { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import type { Challenge } from '../users/challenge/challenge.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { UserStore } from '../users/user_store.ts'

/** The stores and rules that grants use. */
export interface GrantServices {
  config: Config
  keys: KeyRing
  changes: ChangeListStore
  clients: ClientStore
  clientTable: ClientTableStore
  metadataClients: MetadataClientStore
  users: UserStore
  passwords: PasswordHasher
  breaches: BreachedPasswords
  guard: SignInGuard
  challenge: Challenge
  bursts: BurstLimits
  oneTime: OneTimeStore
  shards: SessionShards
  audit: AuditStore
  notifications: Notifications
  codes: CodeSealer
  consents: ConsentStore
  authSessions: AuthSessions
  emailSecondFactor: EmailSecondFactor
  deletion: AccountDeletion
}

/** One grant type (RFC 6749 §1.3). */
export interface Grant {
  type: GrantType
  /** Whether the grant starts a session. Only a session has refresh tokens. */
  startsSession: boolean
  /** Whether config.yml turns the grant on. */
  isOffered(config: Config): boolean
  /** Whether a client may use the grant. `grants` are the grants that the server offers. */
  isAllowed(client: Client, grants: readonly Grant[]): boolean
  /** @throws OAuthError, StorageUnavailable, CorruptRecord */
  run(request: ClientRequest, services: GrantServices): Promise<TokenResponse>
}
