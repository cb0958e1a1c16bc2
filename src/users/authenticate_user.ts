import type { RequestContext } from '../lib/request_context.ts'
import { wrongCredentials } from '../oauth/errors.ts'
import { passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { SignInGuard, WatchedAttempt } from './sign_in_guard.ts'
import type { User } from './user.ts'
import type { SignInRecord, UserStore } from './user_store.ts'
import { normalizeUsername } from './username.ts'

/** What a person presents, as it came. */
export interface UserCredentials {
  pool: string
  username: string
  password: string
  clientId: string
  api: string
}

interface Dependencies {
  users: Pick<UserStore, 'findForSignIn'>
  passwords: Pick<PasswordHasher, 'verify'>
  guard: SignInGuard
}

/**
 * The person that a name and a password prove. Every failure costs the same, whoever does not exist, mistyped, is locked
 * or disabled: a read near the caller, a hash, a read of the primary in case the replica was behind a change, and a
 * write that counts it.
 *
 * @throws OAuthError invalid_grant, the same for every reason; temporarily_unavailable where the address has to wait
 */
export async function authenticateUser(
  { password, ...credentials }: UserCredentials,
  dependencies: Dependencies,
  context: RequestContext,
): Promise<User> {
  const { guard } = dependencies
  const username = normalizeUsername(credentials.username)
  const forms = passwordForms(password)
  if (username === null || forms === null) throw wrongCredentials('a name or password that nobody can have')
  const attempt = await guard.watch({ ...credentials, username }, context)
  const { user, failures, reason } = await judge(attempt, forms, dependencies)
  if (user !== null && reason === null) {
    guard.forgetFailures(attempt, failures)
    return user
  }
  await guard.countFailure(attempt, user?.id ?? null)
  throw wrongCredentials(reason ?? 'unknown user', user === null ? {} : { subject: user.id })
}

/** @returns why the attempt fails; null where it does not */
async function judge(
  attempt: WatchedAttempt,
  forms: Uint8Array[],
  { users, passwords, guard }: Dependencies,
): Promise<SignInRecord & { reason: string | null }> {
  const query = { ...attempt, now: attempt.context.now }
  const found = await users.findForSignIn(query, 'replica')
  guard.requireAdmission(found.failures, attempt)
  const proven = await passwords.verify(forms, found.user?.passwordHash ?? null)
  const reason = reasonToRefuse(found, proven, { guard, attempt })
  // Of many guesses at once all read before the first is counted: without a second look the lock would come too late.
  if (reason === null && !guard.wasGuessedAt(attempt)) return { ...found, reason }
  if (reason !== null) guard.noteGuess(attempt)
  const newest = await users.findForSignIn(query, 'primary')
  const hasChanged = newest.user?.passwordHash !== found.user?.passwordHash
  const isProven = hasChanged ? await passwords.verify(forms, newest.user?.passwordHash ?? null) : proven
  return { ...newest, reason: reasonToRefuse(newest, isProven, { guard, attempt }) }
}

function reasonToRefuse(
  { user, failures }: SignInRecord,
  isProven: boolean,
  { guard, attempt }: { guard: SignInGuard; attempt: WatchedAttempt },
): string | null {
  if (user === null) return 'unknown user'
  if (guard.isAccountLocked(failures, attempt))
    return isProven ? 'locked user' : 'locked user, wrong password'
  if (!isProven) return 'wrong password'
  return user.enabled ? null : 'disabled user'
}
