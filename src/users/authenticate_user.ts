import { normalizeUsername } from '@sallyport/formats/username'
import { type RequestContext, runToEnd } from '../lib/request_context.ts'
import { wrongCredentials } from '../oauth/errors.ts'
import type { FailureCause } from '../oauth/failure_cause.ts'
import type { Challenge } from './challenge/challenge.ts'
import type { FailureCount } from './failure_count.ts'
import { passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { CountedAttempt, SignInGuard, VerifiedSignIn } from './sign_in_guard.ts'
import type { User } from './user.ts'
import { HOME } from './user_databases_store.ts'
import type { SignInRecord, UserStore } from './user_store.ts'

/** The credentials of a user, as the request has them. */
export interface UserCredentials {
  pool: string
  username: string
  password: string
  clientId: string
  api: string
  /** Whether the caller refuses a user whose password is right. The response is that of a wrong password. */
  refuses?: (user: User) => boolean
  /** The challenge response, as the request has it; null if the request has none; PAGE for a sign-in on a page. */
  challengeResponse: string | null | typeof PAGE
}

/** A sign-in on a page. It needs no challenge, but is refused for some seconds after the last failure (`requireWait`). */
export const PAGE = Symbol('page')

/** The user, and the sign-in for `SignInGuard.recordSignIn`, which also needs the new session. */
export interface AuthenticatedUser {
  user: User
  signIn: VerifiedSignIn
}

interface Dependencies {
  users: Pick<UserStore, 'readForSignIn' | 'findAndCount'>
  passwords: Pick<PasswordHasher, 'verify'>
  guard: SignInGuard
  challenge: Challenge
}

/**
 * Authenticates a user by username and password. An unknown username, a wrong password, a locked user and a disabled user cost
 * the same: a read of a replica, a hash, and a transaction at the primary that reads again and counts the failure. The primary is
 * necessary, because a replica can be behind. If the users of the pool are in several databases, each refusal waits for a call to the
 * primary of every database, so that its time does not show which database has the user.
 *
 * @throws OAuthError invalid_grant, with one response for every reason; temporarily_unavailable if the address must wait;
 *   after recent failures of the account or the address, too_many_attempts for a sign-in on a page, and
 *   challenge_required for every other sign-in
 */
export async function authenticateUser(
  { password, challengeResponse, refuses = () => false, ...credentials }: UserCredentials,
  dependencies: Dependencies,
  context: RequestContext,
): Promise<AuthenticatedUser> {
  const { guard } = dependencies
  const username = normalizeUsername(credentials.username)
  const forms = passwordForms(password)
  if (username === null || forms === null)
    throw wrongCredentials('the username or the password is not allowed', { cause: 'malformed_credentials' })
  const attempt = await guard.watch({ ...credentials, username }, context)
  const first = await checkOnReplica({ ...attempt, challengeResponse, refuses }, forms, dependencies)
  const { user, reason } = first
  if (user !== null && reason === null && !guard.hadRecentGuess(attempt)) return signedIn(user, first)
  // The check on the primary continues even if the client closes the connection. A correct password usually has its response
  // after the check on the replica, so a client that still waits knows that its guess is wrong. If the check on the primary
  // ended with the connection, such a client could close it before the failure is counted.
  return runToEnd(context, checkOnPrimary(first, forms, dependencies))
}

/** The reasons of a refused sign-in, with their causes for the statistics. */
const CAUSES = {
  'unknown user': 'unknown_user',
  'wrong password': 'wrong_password',
  'locked user': 'locked_user',
  'locked user, wrong password': 'locked_user',
  'disabled user': 'disabled_user',
  'the user needs a second factor': 'other',
} as const satisfies Record<string, FailureCause>

type SignInRefusal = keyof typeof CAUSES
type Refuses = NonNullable<UserCredentials['refuses']>

/** The result of one read of the user and one check of the password. */
interface PasswordCheck {
  attempt: CountedAttempt
  user: User | null
  /** The failures of the account at the first read. */
  seen: FailureCount | null
  isSuspect: boolean
  /** The error of a further database that can have users of the pool. */
  unread: unknown
  refuses: Refuses
  /** Whether the password matches the hash that was read. */
  isProven: boolean
  /** The reason why the attempt fails; null for success. */
  reason: SignInRefusal | null
}

async function checkOnReplica(
  {
    challengeResponse,
    refuses,
    ...counted
  }: CountedAttempt & Pick<UserCredentials, 'challengeResponse'> & { refuses: Refuses },
  forms: Uint8Array[],
  { users, passwords, guard, challenge }: Dependencies,
): Promise<PasswordCheck> {
  const { api, context } = counted
  const found = await users.readForSignIn(queryOf(counted), 'replica')
  const attempt = guard.locate(counted, found.user)
  guard.requireAdmission(found.failures, attempt)
  const isSuspect = guard.isSuspect(found.failures, attempt)
  if (isSuspect) {
    if (challengeResponse !== PAGE) await challenge.require({ api, response: challengeResponse }, context.now)
    else challenge.requireWait({ api, failedAt: guard.lastFailureOf(found.failures) }, context.now)
  }
  const isProven = await passwords.verify(forms, found.user?.passwordHash ?? null, { isSuspect })
  const reason = reasonToRefuse(found, isProven, { guard, attempt, refuses })
  const seen = found.failures.find(({ kind }) => kind === 'account') ?? null
  return { attempt, user: found.user, seen, isSuspect, unread: found.unread, refuses, isProven, reason }
}

/**
 * Whether this transaction must not count a failure. There are two cases. The user now has another hash, so the password needs a new
 * check. Or the password matches the checked hash, and the user is enabled. ?8 is a JSON object: pool, username, hash (the checked
 * hash) and isProven (whether the password matches it).
 */
const IS_RIGHT = `
  ((SELECT password_hash FROM users WHERE pool = ?8 ->> 'pool' AND username = ?8 ->> 'username') IS NOT ?8 ->> 'hash'
    OR (?8 ->> 'isProven' AND EXISTS (
      SELECT 1 FROM users WHERE pool = ?8 ->> 'pool' AND username = ?8 ->> 'username' AND enabled = 1)))`

/**
 * Reads the user again from the primary, and counts a failure in the same transaction. Parallel guesses can all read the counts before
 * the first failure is counted. The second read makes the lock effective for them.
 *
 * @throws OAuthError invalid_grant; while a further database of the pool is down, StorageUnavailable instead, whether the user
 * exists or not
 */
async function checkOnPrimary(
  first: PasswordCheck,
  forms: Uint8Array[],
  { users, passwords, guard }: Dependencies,
): Promise<AuthenticatedUser> {
  const { attempt, isSuspect, refuses, unread } = first
  if (first.user === null && unread !== undefined) return refuseUnread(first, users)
  if (first.reason !== null) guard.noteGuess(attempt)
  const { pool, username, account, others, context } = attempt
  const isRefused = first.user !== null && refuses(first.user)
  const value = {
    pool,
    username,
    hash: first.user?.passwordHash ?? null,
    isProven: first.isProven && !isRefused,
  }
  const keys = guard.keysWithUser(attempt)
  const counting = guard.counting(keys, { isRight: { sql: IS_RIGHT, value }, lock: account }, context.now)
  const query = { ...queryOf(attempt), database: account.database ?? HOME }
  const isApart = keys.length === 1 && others.length > 0
  const apart = unread === undefined ? guard.databasesApart(attempt) : []
  const [{ counted, ...newest }, failed] = await Promise.all([
    users.findAndCount(query, counting),
    errorOf(apart.map((database) => users.findAndCount({ ...query, database }, []))),
    // If the first check refused, the main database counts now, in parallel with the second read, to save a wait.
    isApart && first.reason !== null ? guard.countOthers(attempt, first.user?.id ?? null) : null,
  ])
  const { user } = newest
  const hash = user?.passwordHash ?? null
  const hasChanged = hash !== (first.user?.passwordHash ?? null)
  const isProven = hasChanged ? await passwords.verify(forms, hash, { isSuspect }) : first.isProven
  const reason = reasonToRefuse(newest, isProven, { guard, attempt, refuses })
  if (user !== null && reason === null) return signedIn(user, first)
  const isCounted = guard.noteCounts(keys, counted, { ...attempt, subject: user?.id ?? null })
  // The transaction counts no failure if the hash or a factor changed during the check. This call then counts the failure. A locked
  // account gets no such call, because the longer response time would show the lock.
  if (!isCounted && !guard.isAccountLocked(newest.failures, attempt))
    await guard.countKeys(keys, attempt, user?.id ?? null)
  if (isApart && first.reason === null) await guard.countOthers(attempt, user?.id ?? null)
  if ((unread ?? failed) !== undefined) throw unread ?? failed
  const refused = reason ?? 'unknown user'
  const subject = user === null ? {} : { subject: user.id }
  throw wrongCredentials(refused, { ...subject, cause: CAUSES[refused] })
}

/** Refuses a username that may be in a database that is down. It counts no failure, because the password can be right. */
async function refuseUnread(
  { attempt, unread }: PasswordCheck,
  users: Dependencies['users'],
): Promise<never> {
  await users.findAndCount({ ...queryOf(attempt), database: HOME }, [])
  throw unread
}

/** The first error of some calls, after all have ended. */
async function errorOf(calls: Promise<unknown>[]): Promise<unknown> {
  const ended = await Promise.allSettled(calls)
  return ended.find((call) => call.status === 'rejected')?.reason
}

function signedIn(user: User, { attempt, seen }: PasswordCheck): AuthenticatedUser {
  return { user, signIn: { user, attempt, seen } }
}

function queryOf({ pool, username, account, others, context }: CountedAttempt) {
  return { pool, username, keys: [account, ...others], now: context.now }
}

function reasonToRefuse(
  { user, failures }: SignInRecord,
  isProven: boolean,
  { guard, attempt, refuses }: { guard: SignInGuard; attempt: CountedAttempt; refuses: Refuses },
): SignInRefusal | null {
  if (user === null) return 'unknown user'
  if (guard.isAccountLocked(failures, attempt))
    return isProven ? 'locked user' : 'locked user, wrong password'
  if (!isProven) return 'wrong password'
  if (!user.enabled) return 'disabled user'
  return refuses(user) ? 'the user needs a second factor' : null
}
