import { normalizeUsername } from '@sallyport/formats/username'
import { type RequestContext, runToEnd } from '../lib/request_context.ts'
import { wrongCredentials } from '../oauth/errors.ts'
import type { Challenge } from './challenge/challenge.ts'
import type { FailureCount } from './failure_count.ts'
import { passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { ProvenSignIn, SignInGuard, WatchedAttempt } from './sign_in_guard.ts'
import type { User } from './user.ts'
import type { SignInRecord, UserStore } from './user_store.ts'

/** The credentials that a user sends, unchanged. */
export interface UserCredentials {
  pool: string
  username: string
  password: string
  clientId: string
  api: string
  /** The response of a challenge, unchanged; null where the caller sent none. */
  challengeResponse: string | null
}

/** The user, and the sign-in that `SignInGuard.recordSignIn` needs once the session is known. */
export interface AuthenticatedUser {
  user: User
  signIn: ProvenSignIn
}

interface Dependencies {
  users: Pick<UserStore, 'findForSignIn'>
  passwords: Pick<PasswordHasher, 'verify'>
  guard: SignInGuard
  challenge: Challenge
}

/**
 * Proves a user by name and password. Every failure costs the same, for an unknown name, a wrong password, a locked and a
 * disabled user: a read near the caller, a hash, a read of the primary because a replica may be behind, and a write that
 * counts the failure.
 *
 * @throws OAuthError invalid_grant, the same for every reason; temporarily_unavailable where the address has to wait;
 *   challenge_required where the account or the address failed recently
 */
export async function authenticateUser(
  { password, challengeResponse, ...credentials }: UserCredentials,
  dependencies: Dependencies,
  context: RequestContext,
): Promise<AuthenticatedUser> {
  const { guard } = dependencies
  const username = normalizeUsername(credentials.username)
  const forms = passwordForms(password)
  if (username === null || forms === null) throw wrongCredentials('a name or password that nobody can have')
  const attempt = await guard.watch({ ...credentials, username }, context)
  const first = await lookOnce({ ...attempt, challengeResponse }, forms, dependencies)
  const { user, reason } = first
  if (user !== null && reason === null && !guard.wasGuessedAt(attempt)) return signedIn(user, first)
  // Runs to its end even if the caller hangs up: the response to a right password is earlier, so a caller could avoid the count.
  return runToEnd(context, lookAgain(first, forms, dependencies))
}

/** The result of one read of the stores and one check of the password. */
interface Judgement {
  attempt: WatchedAttempt
  user: User | null
  /** The failures of the account at the first read. */
  seen: FailureCount | null
  isSuspect: boolean
  /** Whether the password matches the hash that was read. */
  isProven: boolean
  /** Why the attempt fails; null where it does not. */
  reason: string | null
}

async function lookOnce(
  { challengeResponse, ...attempt }: WatchedAttempt & Pick<UserCredentials, 'challengeResponse'>,
  forms: Uint8Array[],
  { users, passwords, guard, challenge }: Dependencies,
): Promise<Judgement> {
  const { api, context } = attempt
  const found = await users.findForSignIn(queryOf(attempt), 'replica')
  guard.requireAdmission(found.failures, attempt)
  const isSuspect = guard.isSuspect(found.failures, attempt)
  if (isSuspect) await challenge.require({ api, response: challengeResponse }, context.now)
  const isProven = await passwords.verify(forms, found.user?.passwordHash ?? null, { isSuspect })
  const reason = reasonToRefuse(found, isProven, { guard, attempt })
  const seen = found.failures.find(({ kind }) => kind === 'account') ?? null
  return { attempt, user: found.user, seen, isSuspect, isProven, reason }
}

/**
 * Reads the primary again, and counts a failure. Parallel guesses all read the counts before the first one is counted, so
 * without a second read the lock would come too late.
 *
 * @throws OAuthError invalid_grant
 */
async function lookAgain(
  first: Judgement,
  forms: Uint8Array[],
  { users, passwords, guard }: Dependencies,
): Promise<AuthenticatedUser> {
  const { attempt, isSuspect } = first
  if (first.reason !== null) guard.noteGuess(attempt)
  const newest = await users.findForSignIn(queryOf(attempt), 'primary')
  const { user } = newest
  const hash = user?.passwordHash ?? null
  const hasChanged = hash !== (first.user?.passwordHash ?? null)
  const isProven = hasChanged ? await passwords.verify(forms, hash, { isSuspect }) : first.isProven
  const reason = reasonToRefuse(newest, isProven, { guard, attempt })
  if (user !== null && reason === null) return signedIn(user, first)
  await guard.countFailure(attempt, user?.id ?? null)
  throw wrongCredentials(reason ?? 'unknown user', user === null ? {} : { subject: user.id })
}

function signedIn(user: User, { attempt, seen }: Judgement): AuthenticatedUser {
  return { user, signIn: { user, attempt, seen } }
}

function queryOf({ pool, username, account, others, context }: WatchedAttempt) {
  return { pool, username, keys: [account, ...others], now: context.now }
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
