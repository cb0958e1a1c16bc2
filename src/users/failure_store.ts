import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import type { DeferredPart, DeferredWriteStore } from '../storage/deferred_write_store.ts'
import {
  FAILURE_KINDS,
  type Failure,
  type FailureCount,
  type FailureKey,
  type FailureKind,
} from './failure_count.ts'
import {
  decodeSignInMarks,
  MARK_SECONDS,
  MAX_MARKS,
  type SignInMark,
  type Suspicion,
} from './sign_in_mark.ts'
import type { User } from './user.ts'
import { HOME, type UserDatabases } from './user_databases_store.ts'

/** The result of one counted failure. */
export interface CountedFailure {
  kind: FailureKind
  /** The number of failures that causes a lock. */
  limit: number
  /** The end of the lock that this failure caused, in Unix seconds; null if it caused no lock. */
  lockedUntil: number | null
  /** The sessions of the sign-ins in the last minute, if this failure locked an account. */
  suspects: SignInMark[]
}

/** Ends a lock. The time of the last failure stays. */
const RESET = 'UPDATE sign_in_failures SET failures = 0, locks = 0, locked_until = 0'

/** Resets the counts of a JSON array of `{ kind, key, now }`, but none with a failure after its time. */
const RELEASE_ALL = `
  ${RESET} FROM json_each(?) AS e
  WHERE kind = e.value ->> 'kind' AND sign_in_failures.key = e.value ->> 'key' AND failed_at <= e.value ->> 'now'`

const countedSchema = z.array(
  z.object({ kind: z.enum(FAILURE_KINDS), locked_until: z.int(), sign_ins: z.string() }),
)
const markedSchema = z.object({ locks: z.int(), locked_until: z.int(), is_outdated: z.int() })
const foundSchema = z.object({ failures: z.int(), lockedUntil: z.int() })
/** The largest power of two by which a lock grows, to limit the shift in SQL. `longest_lock` applies earlier. */
const MAX_DOUBLINGS = 20

const IS_EXPIRED = 'expires_at <= ?3'
const REACHES_LIMIT = `(expires_at > ?3 AND failures + 1 >= ?5)`
const LOCKED_UNTIL = `CASE WHEN ${REACHES_LIMIT} THEN ?3 + min(?7, ?6 << min(locks, ${MAX_DOUBLINGS})) ELSE 0 END`
/** The counts of an account and of a second factor expire some time after their last failure. The counts of an address, a network or a
 * client expire some time after their first failure. */
const RESTARTS_MEMORY = `(kind IN ('account', 'second_factor') OR ${IS_EXPIRED} OR ${REACHES_LIMIT} OR failures = 0)`

/** A failure during a lock does not count, so it does not extend the lock. @param condition Its only own parameter is ?8. */
const countFailureIf = (condition: string) => `
  INSERT INTO sign_in_failures (kind, key, failures, failed_at, expires_at)
  SELECT ?1, ?2, 1, ?3, ?3 + ?4 WHERE ${condition}
  ON CONFLICT DO UPDATE SET
    failures = CASE WHEN ${IS_EXPIRED} THEN 1 WHEN ${REACHES_LIMIT} THEN 0 ELSE failures + 1 END,
    locks = CASE WHEN ${IS_EXPIRED} THEN 0 WHEN ${REACHES_LIMIT} THEN locks + 1 ELSE locks END,
    locked_until = ${LOCKED_UNTIL},
    failed_at = ?3,
    expires_at = CASE WHEN ${RESTARTS_MEMORY} THEN max(?3, ${LOCKED_UNTIL}) + ?4 ELSE expires_at END
  WHERE locked_until <= ?3
  RETURNING kind, locked_until, sign_ins`
const COUNT_FAILURE = countFailureIf('?8')

/** An attempt that counts no failure. */
export interface RightAttempt {
  /** Whether the attempt is right: SQL with the time ?3 and the JSON value ?8. */
  isRight: { sql: string; value: object }
  /** The count whose lock refuses a right attempt. */
  lock: FailureKey
}

const IS_LOCKED = `
  EXISTS (SELECT 1 FROM sign_in_failures WHERE kind = ?8 -> 'lock' ->> 'kind' AND key = ?8 -> 'lock' ->> 'key'
    AND locked_until > ?3)`

/** The second condition is that of the partial index. */
const COUNT_LOCKED = `
  SELECT count(*) AS locked FROM sign_in_failures WHERE kind = 'account' AND locked_until > 0 AND locked_until > ?`
const lockedSchema = z.object({ locked: z.int() })

/** The values that a successful sign-in has read. They can be outdated, because a replica can be behind. */
export interface ReadBySignIn {
  user: Pick<User, 'id' | 'tokensValidFrom' | 'accessValidFrom'>
  /** The failures of the account; null if there are no failures. */
  seen: Pick<FailureCount, 'failures' | 'locks'> | null
}

/**
 * Whether a sign-in used a user record from before a revocation, and the revocation does not end the new tokens. A revocation
 * later than the `iat` of the tokens ends them. Parameters: ?6 the user id, ?7 and ?8 the `tokens_valid_from` and
 * `access_valid_from` of the used record, ?9 the `iat`.
 */
const IS_OUTDATED = `
  NOT EXISTS (SELECT 1 FROM users WHERE id = ?6
    AND (tokens_valid_from > ?9 OR (enabled = 1 AND tokens_valid_from = ?7))
    AND (access_valid_from > ?9 OR access_valid_from = ?8))`

/**
 * Adds a sign-in to the row of its account, and removes the failures that the sign-in read at its start. Failures during the
 * sign-in stay, because they can be parallel guesses.
 */
const MARK_SIGN_IN = `
  INSERT INTO sign_in_failures (kind, key, failures, sign_ins, expires_at)
    VALUES ('account', ?1, 0, json_array(json_set(?3, '$.at', ?2)), ?2 + ${MARK_SECONDS})
  ON CONFLICT DO UPDATE SET
    failures = CASE WHEN locked_until > ?2 OR locks > ?5 THEN failures WHEN expires_at <= ?2 THEN 0
      ELSE max(0, failures - ?4) END,
    locks = CASE WHEN locked_until > ?2 OR locks > ?5 THEN locks ELSE 0 END,
    sign_ins = (SELECT json_group_array(json(value)) FROM (
      SELECT value FROM (SELECT value, value ->> 'at' AS at FROM json_each(sign_ins)
        UNION ALL SELECT json_set(?3, '$.at', ?2), ?2)
      WHERE at > ?2 - ${MARK_SECONDS} ORDER BY at DESC LIMIT ${MAX_MARKS})),
    expires_at = max(expires_at, ?2 + ${MARK_SECONDS})
  RETURNING locks, locked_until, ${IS_OUTDATED} AS is_outdated`

/**
 * Counts failed sign-ins in D1, for all locations together. `UserStore.findForSignIn` reads the counts. The count of an account is in the
 * database of its user, and the other counts are in the main database.
 */
export class FailureStore {
  readonly #databases: UserDatabases
  readonly #memorySeconds: number
  readonly #deferred: DeferredWriteStore
  readonly #released: (FailureKey & { now: number })[] = []

  /** @param memorySeconds The time after the last failure, or after the end of a lock, at which a count expires. */
  constructor(
    databases: UserDatabases,
    { memorySeconds, deferred }: { memorySeconds: number; deferred: DeferredWriteStore },
  ) {
    this.#databases = databases
    this.#memorySeconds = memorySeconds
    this.#deferred = deferred
    deferred.join({ take: () => this.#takeReleased() })
  }

  /**
   * Counts failures in one transaction for each database. If failures are parallel, at any location, exactly one of them causes a lock.
   *
   * @returns the counted failures; a locked account, address, network or client has no result
   * @throws StorageUnavailable, CorruptRecord
   */
  async count(failures: readonly Failure[], now: number): Promise<CountedFailure[]> {
    const groups = Map.groupBy(failures, ({ database = HOME }) => this.#databases.named(database))
    const counted = await Promise.all([...groups].map(([db, group]) => this.#countIn(db, group, now)))
    return counted.flat()
  }

  async #countIn(db: D1Database, failures: readonly Failure[], now: number): Promise<CountedFailure[]> {
    const statements = failures.map((failure) => this.counting(failure, now))
    const results = await callStore('D1 sign_in_failures', () => db.batch(statements))
    return failures.flatMap((failure, i) => this.readCounted(failure, results[i]?.results ?? [], now) ?? [])
  }

  /** Reads the rows of `counting`. @returns null if the count is locked @throws CorruptRecord */
  readCounted({ limits }: Failure, rows: unknown[], now: number): CountedFailure | null {
    const [row] = decodeRecord(countedSchema, 'sign-in failures', rows)
    if (row === undefined) return null
    const { kind, locked_until: lockedUntil, sign_ins: signIns } = row
    const counted = { kind, limit: limits.failures }
    if (lockedUntil <= now) return { ...counted, lockedUntil: null, suspects: [] }
    return { ...counted, lockedUntil, suspects: decodeSignInMarks(signIns, now) }
  }

  /**
   * Records the session of a sign-in, and removes the failures that the sign-in read. A sign-in and a failure are each one
   * statement on the primary. So the later statement always finds the result of the earlier statement.
   *
   * @param account The key of the account, with the database of its user.
   * @returns the reason why the session must end: the account was locked after the read, or the user record was outdated; null
   *   if the session may continue
   * @throws StorageUnavailable
   */
  async mark(
    { key, database = HOME }: FailureKey,
    { signIn, user, seen }: ReadBySignIn & { signIn: SignInMark },
    now: number,
  ): Promise<Suspicion | null> {
    const { failures, locks } = seen ?? { failures: 0, locks: 0 }
    const read = [failures, locks, user.id, user.tokensValidFrom, user.accessValidFrom]
    const mark = this.#databases
      .named(database)
      .prepare(MARK_SIGN_IN)
      .bind(key, now, JSON.stringify(signIn), ...read, signIn.startedAt)
    const row = await callStore('D1 sign_in_failures', () => mark.first())
    const marked = decodeRecord(markedSchema, 'sign-in mark', row)
    if (marked.is_outdated === 1) return 'its sign-in used an outdated record of the user'
    const isLocked = marked.locked_until > now || marked.locks > locks
    return isLocked ? 'its account was locked within a minute of the sign-in' : null
  }

  /** A statement that counts a failure, for a transaction. It changes no row during a lock. */
  counting(failure: Failure, now: number): D1PreparedStatement {
    return this.#databases.home.prepare(COUNT_FAILURE).bind(...this.#valuesOf(failure, now), 1)
  }

  /** As `counting`, unless the attempt is right at the time of the statement. */
  countingUnless({ isRight, lock }: RightAttempt, failure: Failure, now: number): D1PreparedStatement {
    const value = JSON.stringify({ ...isRight.value, lock })
    return this.#databases.home
      .prepare(countFailureIf(`NOT (${isRight.sql} AND NOT ${IS_LOCKED})`))
      .bind(...this.#valuesOf(failure, now), value)
  }

  #valuesOf({ kind, key, limits, memorySeconds = this.#memorySeconds }: Failure, now: number) {
    const { failures, lockSeconds, longestLockSeconds } = limits
    return [kind, key, now, memorySeconds, failures, lockSeconds, longestLockSeconds]
  }

  /** A statement that resets a count if the statement before it changed a row. Use both in one transaction. */
  releaseIfChanged({ kind, key }: FailureKey): D1PreparedStatement {
    return this.#databases.home
      .prepare(`${RESET} WHERE kind = ? AND key = ? AND changes() > 0`)
      .bind(kind, key)
  }

  /** Resets failures and their lock, and keeps the time of the last failure. @throws StorageUnavailable */
  async release({ kind, key, database = HOME }: FailureKey): Promise<void> {
    const release = this.#databases
      .named(database)
      .prepare(`${RESET} WHERE kind = ? AND key = ?`)
      .bind(kind, key)
    await callStore('D1 sign_in_failures', () => release.run())
  }

  /** As `release` in the main database, after the response, in one call with other deferred writes. A later failure stays. */
  releaseLater({ kind, key }: FailureKey, context: RequestContext): void {
    this.#released.push({ kind, key, now: context.now })
    this.#deferred.schedule(context)
  }

  async #takeReleased(): Promise<DeferredPart | null> {
    const released = this.#released.splice(0)
    if (released.length === 0) return null
    const release = this.#databases.home.prepare(RELEASE_ALL).bind(JSON.stringify(released))
    return { what: `sign_in_failures (${released.length})`, statements: [release] }
  }

  /** The number of locked accounts. A locked username may be unknown. @throws StorageUnavailable, CorruptRecord */
  async countLocked(now: number): Promise<number> {
    const counts = this.#databases.all().map(async (db) => {
      const count = db.prepare(COUNT_LOCKED).bind(now)
      const row = await callStore('D1 sign_in_failures', () => count.first(), SEARCH_DEADLINE_MS)
      return decodeRecord(lockedSchema, 'locked accounts', row).locked
    })
    return (await Promise.all(counts)).reduce((sum, locked) => sum + locked, 0)
  }

  /**
   * Resets failures of some keys of one user and ends their locks, in one transaction with further statements. These do nothing if `changes()` is 0: there was
   * no failure and no lock. The number of locks stays until the next sign-in. From it, a parallel sign-in learns that the
   * account was locked after its read. The number also makes the next lock longer.
   *
   * @throws StorageUnavailable
   */
  async unlock(keys: readonly FailureKey[], alongside: D1PreparedStatement[]): Promise<void> {
    const db = this.#databases.named(keys[0]?.database ?? HOME)
    const unlock = db
      .prepare(
        `UPDATE sign_in_failures SET failures = 0, locked_until = 0
         WHERE (kind, key) IN (SELECT value ->> 'kind', value ->> 'key' FROM json_each(?))
           AND (failures > 0 OR locked_until > 0)`,
      )
      .bind(JSON.stringify(keys))
    await callStore('D1 sign_in_failures', () => db.batch([unlock, ...alongside]))
  }

  /** A statement that removes a count if the statement before it changed a row. Use both in one transaction. */
  removalIfChanged({ kind, key }: FailureKey): D1PreparedStatement {
    return this.#databases.home
      .prepare('DELETE FROM sign_in_failures WHERE kind = ? AND key = ? AND changes() > 0')
      .bind(kind, key)
  }

  /** The count of a key; null without a current count. @throws StorageUnavailable, CorruptRecord */
  async find(
    { kind, key, database = HOME }: FailureKey,
    now: number,
  ): Promise<Pick<FailureCount, 'failures' | 'lockedUntil'> | null> {
    const select = this.#databases
      .named(database)
      .prepare(
        `SELECT failures, locked_until AS lockedUntil FROM sign_in_failures
         WHERE kind = ? AND key = ? AND expires_at > ?`,
      )
      .bind(kind, key, now)
    const row = await callStore('D1 sign_in_failures', () => select.first())
    return row === null ? null : decodeRecord(foundSchema, 'sign-in failures', row)
  }
}
