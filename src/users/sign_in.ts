import type { AuditStore } from '../audit/audit_store.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import type { Config } from '../config/config.ts'
import { type AuthenticatedUser, authenticateUser, type UserCredentials } from './authenticate_user.ts'
import type { BreachedPasswords } from './breaches/breached_passwords.ts'
import { findBreach } from './breaches/find_breach.ts'
import type { Challenge } from './challenge/challenge.ts'
import type { PasswordHasher } from './password_hash.ts'
import { type PasswordState, passwordStateOf, VALID_PASSWORD } from './password_state.ts'
import { renewHash } from './renew_hash.ts'
import type { SignInGuard } from './sign_in_guard.ts'
import { issueTimeOf, type User } from './user.ts'
import type { UserStore } from './user_store.ts'

/** The user or the guest of new tokens. */
export interface TokenUser {
  subject: string
  roles: readonly string[]
  passwordState: PasswordState
  /** The `iat` of the tokens, in Unix seconds. */
  issuedAt: number
}

/** The credentials of a user, as the request has them. */
type Credentials = Pick<UserCredentials, 'username' | 'password' | 'challengeResponse' | 'refuses'>

interface Dependencies {
  config: Pick<Config, 'breachedPasswords'>
  users: UserStore
  passwords: PasswordHasher
  breaches: BreachedPasswords
  guard: SignInGuard
  challenge: Challenge
  audit: AuditStore
}

/**
 * Authenticates a user by username and password. Checks the password against known breaches, and renews an outdated hash.
 *
 * @throws OAuthError as `authenticateUser`; StorageUnavailable, CorruptRecord
 */
export async function proveUser(
  credentials: Credentials,
  request: ClientRequest,
  services: Dependencies,
): Promise<AuthenticatedUser> {
  const { client, api, context } = request
  const about = { pool: api.userPool, clientId: client.id, api: api.name }
  const proven = await authenticateUser({ ...credentials, ...about }, services, context)
  const user = await findBreach(proven.user, credentials.password, request, services)
  renewHash(user, credentials.password, request, services)
  return { ...proven, user }
}

/**
 * Describes a user for new tokens.
 *
 * @param knownAt The time at which the record of the user was known to be up to date, in Unix seconds.
 * @throws CorruptRecord as `issueTimeOf`
 */
export function describeUser(
  user: User,
  config: Pick<Config, 'breachedPasswords'>,
  knownAt: number,
): TokenUser {
  return {
    subject: user.id,
    roles: user.roles,
    passwordState: passwordStateOf(user, config),
    issuedAt: issueTimeOf(user, knownAt),
  }
}

/** Describes a guest for new tokens. A guest has no roles and no password. @param knownAt As for a user. */
export function describeGuest(subject: string, knownAt: number): TokenUser {
  return { subject, roles: [], passwordState: VALID_PASSWORD, issuedAt: knownAt }
}
