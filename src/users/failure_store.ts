import * as z from 'zod/mini'
import type { FailureLimits } from '../config/config.ts'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { FailureKey, FailureKind } from './failure_count.ts'

/** One failure to be counted, and what it may lead to. */
export interface Failure extends FailureKey {
  limits: FailureLimits
}

/** A lock that a failure led to. Unix seconds. */
export interface Lock {
  kind: FailureKind
  lockedUntil: number
}

const locksSchema = z.array(
  z.object({ kind: z.enum(['account', 'address', 'client']), locked_until: z.int() }),
)

/** No lock grows further than by this power of two; `longest_lock` comes first. */
const MAX_DOUBLINGS = 20

const IS_FORGOTTEN = 'expires_at <= ?3'
const IS_LAST_STRAW = `(expires_at > ?3 AND failures + 1 >= ?5)`
const LOCKED_UNTIL = `CASE WHEN ${IS_LAST_STRAW} THEN ?3 + min(?7, ?6 << min(locks, ${MAX_DOUBLINGS})) ELSE 0 END`

/** While a lock lasts nothing is counted, so that it ends when it said it would. */
const COUNT_FAILURE = `
  INSERT INTO sign_in_failures (kind, key, failures, expires_at) VALUES (?1, ?2, 1, ?3 + ?4)
  ON CONFLICT DO UPDATE SET
    failures = CASE WHEN ${IS_FORGOTTEN} THEN 1 WHEN ${IS_LAST_STRAW} THEN 0 ELSE failures + 1 END,
    locks = CASE WHEN ${IS_FORGOTTEN} THEN 0 WHEN ${IS_LAST_STRAW} THEN locks + 1 ELSE locks END,
    locked_until = ${LOCKED_UNTIL},
    expires_at = max(?3, ${LOCKED_UNTIL}) + ?4
  WHERE locked_until <= ?3
  RETURNING kind, locked_until`

/** Failed sign-ins, of record in D1: one count for all locations. `UserStore.findForSignIn` reads it. */
export class FailureStore {
  readonly #db: D1Database
  readonly #memorySeconds: number

  /** @param memorySeconds How long after the last failure, or the end of a lock, everything is forgotten. */
  constructor(db: D1Database, memorySeconds: number) {
    this.#db = db
    this.#memorySeconds = memorySeconds
  }

  /**
   * Counts failures, in one transaction: of all that are counted at once, wherever they are, one leads to a lock.
   *
   * @returns the locks that they led to
   * @throws StorageUnavailable
   */
  async count(failures: readonly Failure[], now: number): Promise<Lock[]> {
    const statements = failures.map(({ kind, key, limits }) =>
      this.#db
        .prepare(COUNT_FAILURE)
        .bind(
          kind,
          key,
          now,
          this.#memorySeconds,
          limits.failures,
          limits.lockSeconds,
          limits.longestLockSeconds,
        ),
    )
    const results = await callStore('D1 sign_in_failures', () => this.#db.batch(statements))
    const rows = results.flatMap((result) => decodeRecord(locksSchema, 'sign-in failures', result.results))
    return rows
      .filter((row) => row.locked_until > now)
      .map(({ kind, locked_until: lockedUntil }) => ({ kind, lockedUntil }))
  }

  /** Forgets failures, unless they led to a lock meanwhile. @throws StorageUnavailable */
  async forget({ kind, key }: FailureKey, now: number): Promise<void> {
    const forget = this.#db
      .prepare('DELETE FROM sign_in_failures WHERE kind = ? AND key = ? AND locked_until <= ?')
      .bind(kind, key, now)
    await callStore('D1 sign_in_failures', () => forget.run())
  }

  /** Forgets failures and the lock that they led to. @throws StorageUnavailable */
  async release({ kind, key }: FailureKey): Promise<void> {
    const release = this.#db
      .prepare('DELETE FROM sign_in_failures WHERE kind = ? AND key = ?')
      .bind(kind, key)
    await callStore('D1 sign_in_failures', () => release.run())
  }

  /** Removes up to `limit` rows that are forgotten. Returns how many. @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM sign_in_failures WHERE (kind, key) IN
           (SELECT kind, key FROM sign_in_failures WHERE expires_at <= ? LIMIT ?)`,
      )
      .bind(now, limit)
    const { meta } = await callStore('D1 sign_in_failures', () => sweep.run())
    return meta.changes
  }
}
