import type { AccountDeletion } from '../accounts/account_deletion.ts'
import type { Notifications } from '../accounts/notifications.ts'
import type { SignUps } from '../accounts/sign_up.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { CodeSealer } from '../authorization/authorization_code.ts'
import type { RequestSealer } from '../authorization/sealed_request.ts'
import type { ClientStore } from '../clients/client_store.ts'
import type { ClientTableStore } from '../clients/client_table_store.ts'
import type { Config } from '../config/config.ts'
import type { FactorSecrets } from '../factors/factor_secrets.ts'
import type { FactorStore } from '../factors/factor_store.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import type { ChallengeSealer } from '../passkeys/passkey_challenge.ts'
import type { PasskeyStore } from '../passkeys/passkey_store.ts'
import type { Passkeys } from '../passkeys/passkeys.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { EmailCodes } from '../signin/email_codes.ts'
import type { EmailSecondFactor } from '../signin/email_second_factor.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import type { Challenge } from '../users/challenge/challenge.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { UserStore } from '../users/user_store.ts'
import type { AuthSessions } from './auth_session.ts'

/** The stores and rules of a sign-in in steps. */
export interface ChallengeServices {
  config: Config
  clients: ClientStore
  clientTable: ClientTableStore
  keys: KeyRing
  users: UserStore
  passwords: PasswordHasher
  breaches: BreachedPasswords
  guard: SignInGuard
  challenge: Challenge
  bursts: BurstLimits
  audit: AuditStore
  notifications: Notifications
  factors: FactorStore
  factorSecrets: FactorSecrets
  emailCodes: EmailCodes
  emailSecondFactor: EmailSecondFactor
  signUps: SignUps
  passkeys: Passkeys
  passkeyStore: PasskeyStore
  passkeyChallenges: ChallengeSealer
  oneTime: OneTimeStore
  shards: SessionShards
  codes: CodeSealer
  requests: RequestSealer
  authSessions: AuthSessions
  deletion: AccountDeletion
}
