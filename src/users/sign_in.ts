import type { AuditStore } from '../audit/audit_store.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import type { Config } from '../config/config.ts'
import { authenticateUser } from './authenticate_user.ts'
import type { BreachedPasswords } from './breaches/breached_passwords.ts'
import { findBreach } from './breaches/find_breach.ts'
import type { Challenge } from './challenge/challenge.ts'
import type { PasswordHasher } from './password_hash.ts'
import { type PasswordState, passwordStateOf, VALID_PASSWORD } from './password_state.ts'
import { renewHash } from './renew_hash.ts'
import type { SignInGuard, VerifiedSignIn } from './sign_in_guard.ts'
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
interface NameAndPassword {
  username: string
  password: string
}

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
 * Signs a user in by username and password. Checks the password against known breaches, and renews an outdated hash.
 *
 * @returns the user, and the sign-in for `SignInGuard.recordSignIn`
 * @throws OAuthError as `authenticateUser`; StorageUnavailable, CorruptRecord
 */
export async function signIn(
  { username, password }: NameAndPassword,
  request: ClientRequest,
  services: Dependencies,
): Promise<TokenUser & { signIn: VerifiedSignIn }> {
  const { client, api, parameters, context } = request
  const credentials = {
    pool: api.userPool,
    username,
    password,
    clientId: client.id,
    api: api.name,
    challengeResponse: parameters.find('challenge_response'),
  }
  const proven = await authenticateUser(credentials, services, context)
  const user = await findBreach(proven.user, password, request, services)
  renewHash(user, password, request, services)
  return { ...describeUser(user, services.config, context.now), signIn: proven.signIn }
}

/**
 * Describes a user for new tokens.
 *
 * @param now Unix seconds.
 * @throws CorruptRecord as `issueTimeOf`
 */
export function describeUser(user: User, config: Pick<Config, 'breachedPasswords'>, now: number): TokenUser {
  return {
    subject: user.id,
    roles: user.roles,
    passwordState: passwordStateOf(user, config),
    issuedAt: issueTimeOf(user, now),
  }
}

/** Describes a guest for new tokens. A guest has no roles and no password. @param now Unix seconds. */
export function describeGuest(subject: string, now: number): TokenUser {
  return { subject, roles: [], passwordState: VALID_PASSWORD, issuedAt: now }
}
