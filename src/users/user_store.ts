import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeFailureCounts, type FailureCount, type FailureKey, SELECT_COUNTS } from './failure_count.ts'
import { decodeUserRow, type StoredUser, USER_COLUMNS, type User } from './user.ts'

/** The source of a read: a replica near the caller, which can be behind, or the primary. */
export type ReadFrom = 'replica' | 'primary'

const SELECT_USER = `SELECT ${USER_COLUMNS.join(', ')} FROM users`

/** Selects a user and the failure counts of a sign-in. The result has one row, also for an unknown username. */
const SELECT_FOR_SIGN_IN = `
  SELECT u.*, f.failures FROM
    (${SELECT_COUNTS}) AS f
    LEFT JOIN (${SELECT_USER} WHERE pool = ?3 AND username = ?4) AS u`

/** As SELECT_FOR_SIGN_IN, for a username or a verified address (?5). The owner of the address comes before a user with that username. */
const SELECT_BY_NAME = `
  SELECT u.*, f.failures FROM
    (${SELECT_COUNTS}) AS f
    LEFT JOIN (${SELECT_USER} WHERE id = coalesce(
      (SELECT id FROM users WHERE pool = ?3 AND verified_email = ?5),
      (SELECT id FROM users WHERE pool = ?3 AND username = ?4))) AS u`

const failuresSchema = z.object({ id: z.nullable(z.string()), failures: z.string() })

/** The user and the counts to read for a sign-in. The username is normalised. */
interface SignInQuery {
  pool: string
  username: string
  keys: readonly FailureKey[]
  /** Unix seconds. */
  now: number
}

/** A name that a user typed: a username or a verified address, both normalised; null if the text is none. */
export interface TypedName {
  username: string | null
  email: string | null
}

/** The user with the username, or null, and the failure counts. */
export interface SignInRecord {
  user: User | null
  failures: FailureCount[]
}

/** @throws CorruptRecord */
function decodeSignIn(row: unknown): SignInRecord {
  const { id, failures } = decodeRecord(failuresSchema, 'sign-in', row)
  return { user: id === null ? null : decodeUserRow(row), failures: decodeFailureCounts(failures) }
}

/** Reads and updates users in D1, the system of record. */
export class UserStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @param username Normalised. @throws StorageUnavailable, CorruptRecord */
  findByUsername(pool: string, username: string, from: ReadFrom): Promise<User | null> {
    return this.#find(from, `${SELECT_USER} WHERE pool = ? AND username = ?`, pool, username)
  }

  /** Reads everything that a sign-in needs in one call. @throws StorageUnavailable, CorruptRecord */
  async findForSignIn({ pool, username, keys, now }: SignInQuery, from: ReadFrom): Promise<SignInRecord> {
    const row = await callStore('D1 users', () =>
      this.#session(from).prepare(SELECT_FOR_SIGN_IN).bind(now, JSON.stringify(keys), pool, username).first(),
    )
    return decodeSignIn(row)
  }

  /**
   * The same at the primary, in one transaction with statements that count a failure after the read.
   *
   * @returns also the rows of the statements
   * @throws StorageUnavailable, CorruptRecord
   */
  async findAndCount(
    { pool, username, keys, now }: SignInQuery,
    counting: readonly D1PreparedStatement[],
  ): Promise<SignInRecord & { counted: unknown[][] }> {
    const select = this.#db.prepare(SELECT_FOR_SIGN_IN).bind(now, JSON.stringify(keys), pool, username)
    const results = await callStore('D1 users', () => this.#db.batch([select, ...counting]))
    const [found = [], ...counted] = results.map((result) => result.results)
    return { ...decodeSignIn(found[0]), counted }
  }

  /** Finds a user by username or verified address, with the counts, in one call at the primary. @throws StorageUnavailable, CorruptRecord */
  async findByName({
    pool,
    name,
    keys,
    now,
  }: Omit<SignInQuery, 'username'> & { name: TypedName }): Promise<
    SignInRecord & { user: StoredUser | null }
  > {
    const { username, email } = name
    const row = await callStore('D1 users', () =>
      this.#session('primary')
        .prepare(SELECT_BY_NAME)
        .bind(now, JSON.stringify(keys), pool, username, email)
        .first(),
    )
    const { id, failures } = decodeRecord(failuresSchema, 'sign-in', row)
    return { user: id === null ? null : decodeUserRow(row), failures: decodeFailureCounts(failures) }
  }

  async #find(from: ReadFrom, sql: string, ...parameters: string[]): Promise<User | null> {
    const row = await callStore('D1 users', () =>
      this.#session(from)
        .prepare(sql)
        .bind(...parameters)
        .first(),
    )
    return row === null ? null : decodeUserRow(row)
  }

  #session(from: ReadFrom): D1DatabaseSession {
    return this.#db.withSession(from === 'replica' ? 'first-unconstrained' : 'first-primary')
  }

  /**
   * Replaces a hash by another hash of the same password, if the user still has the old hash. So a concurrent change of the
   * password stays. No token becomes invalid. Afterwards, no import may replace the hash.
   *
   * @returns whether the hash was replaced
   * @throws StorageUnavailable
   */
  async replaceHash(id: string, { from, to }: { from: string; to: string }): Promise<boolean> {
    const replace = this.#db
      .prepare('UPDATE users SET password_hash = ?, hash_replaceable = 0 WHERE id = ? AND password_hash = ?')
      .bind(to, id, from)
    const { meta } = await callStore('D1 users', () => replace.run())
    return meta.changes > 0
  }

  /**
   * Stores the result of a breach check, if the user still has the checked password.
   *
   * @returns whether the result was stored
   * @throws StorageUnavailable
   */
  async rememberBreach(
    { id, passwordHash }: Pick<User, 'id' | 'passwordHash'>,
    { breachCheckedAt, passwordBreached }: Pick<User, 'breachCheckedAt' | 'passwordBreached'>,
  ): Promise<boolean> {
    const remember = this.#db
      .prepare(
        'UPDATE users SET breach_checked_at = ?, password_breached = ? WHERE id = ? AND password_hash = ?',
      )
      .bind(breachCheckedAt, Number(passwordBreached), id, passwordHash)
    const { meta } = await callStore('D1 users', () => remember.run())
    return meta.changes > 0
  }
}
