import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeFailureCounts, type FailureCount, type FailureKey, SELECT_COUNTS } from './failure_count.ts'
import { decodeUserRow, type StoredUser, USER_COLUMNS, type User } from './user.ts'
import { HOME, type PoolName, type UserDatabases } from './user_databases_store.ts'

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
interface SignInQuery extends PoolName {
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
  /** The error of a further database that can have users of the pool. */
  unread?: unknown
}

/** @throws CorruptRecord */
function decodeSignIn(row: unknown): SignInRecord {
  const { id, failures } = decodeRecord(failuresSchema, 'sign-in', row)
  return { user: id === null ? null : decodeUserRow(row), failures: decodeFailureCounts(failures) }
}

/** Reads and updates users in D1, the system of record. */
export class UserStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /** @param username Normalised. @throws StorageUnavailable, CorruptRecord */
  async findByUsername(pool: string, username: string, from: ReadFrom): Promise<User | null> {
    const { user } = await this.findForSignIn({ pool, username, keys: [], now: 0 }, from)
    return user
  }

  /**
   * Reads everything that a sign-in needs, in one call to each database that can have the user. They run at the same time.
   *
   * @throws StorageUnavailable if the main database, or the database with the user, does not respond; CorruptRecord
   */
  async findForSignIn(query: SignInQuery, from: ReadFrom): Promise<SignInRecord> {
    const record = await this.readForSignIn(query, from)
    if (record.user === null && record.unread !== undefined) throw record.unread
    return record
  }

  /** As `findForSignIn`, but `unread` has the error of a further database. @throws StorageUnavailable, CorruptRecord */
  async readForSignIn(query: SignInQuery, from: ReadFrom): Promise<SignInRecord> {
    const { pool, username, keys, now } = query
    const names = this.#databases.namesFor(pool)
    const reads = names.map(async (name) => {
      const select = sessionOf(this.#databases.named(name), from).prepare(SELECT_FOR_SIGN_IN)
      const row = await callStore('D1 users', () =>
        select.bind(now, JSON.stringify(keys), pool, username).first(),
      )
      return { name, ...decodeSignIn(row) }
    })
    const [home, ...further] = await Promise.allSettled(reads)
    return mergeReads(home, further, keys)
  }

  /**
   * Reads the user again at the primary of the database that has the count of the account, in one transaction with statements that
   * count a failure after the read.
   *
   * @param database The name of the database.
   * @returns also the rows of the statements
   * @throws StorageUnavailable, CorruptRecord
   */
  async findAndCount(
    { pool, username, keys, now, database }: SignInQuery & { database: string },
    counting: readonly D1PreparedStatement[],
  ): Promise<SignInRecord & { counted: unknown[][] }> {
    const db = this.#databases.named(database)
    const select = db.prepare(SELECT_FOR_SIGN_IN).bind(now, JSON.stringify(keys), pool, username)
    const results = await callStore('D1 users', () => db.batch([select, ...counting]))
    const [found = [], ...counted] = results.map((result) => result.results)
    return { ...decodeSignIn(found[0]), counted }
  }

  /**
   * Finds a user of a pool in the main database by username or verified address, with the counts, in one call at the primary.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
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
      sessionOf(this.#databases.home, 'primary')
        .prepare(SELECT_BY_NAME)
        .bind(now, JSON.stringify(keys), pool, username, email)
        .first(),
    )
    const { id, failures } = decodeRecord(failuresSchema, 'sign-in', row)
    return { user: id === null ? null : decodeUserRow(row), failures: decodeFailureCounts(failures) }
  }

  /**
   * Replaces a hash by another hash of the same password, if the user still has the old hash. So a concurrent change of the
   * password stays. No token becomes invalid. Afterwards, no import may replace the hash.
   *
   * @returns whether the hash was replaced
   * @throws StorageUnavailable
   */
  async replaceHash(id: string, { from, to }: { from: string; to: string }): Promise<boolean> {
    const replace = this.#databases
      .of(id)
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
    const remember = this.#databases
      .of(id)
      .prepare(
        'UPDATE users SET breach_checked_at = ?, password_breached = ? WHERE id = ? AND password_hash = ?',
      )
      .bind(breachCheckedAt, Number(passwordBreached), id, passwordHash)
    const { meta } = await callStore('D1 users', () => remember.run())
    return meta.changes > 0
  }
}

function sessionOf(db: D1Database, from: ReadFrom): D1DatabaseSession {
  return db.withSession(from === 'replica' ? 'first-unconstrained' : 'first-primary')
}

type NamedRead = PromiseSettledResult<SignInRecord & { name: string }>

/**
 * The user, and the counts: that of the account from the database of the user or of the key, and the others from the main database. A
 * database that fails does not matter if another one has the user, because a username is in one database.
 */
function mergeReads(
  home: NamedRead | undefined,
  further: readonly NamedRead[],
  keys: readonly FailureKey[],
): SignInRecord {
  if (home?.status !== 'fulfilled') throw home?.reason
  if (further.length === 0) return home.value
  const reads = [home, ...further].flatMap((read) => (read.status === 'fulfilled' ? [read.value] : []))
  const found = reads.find(({ user }) => user !== null)
  const failed = further.find((read) => read.status === 'rejected')
  const named = keys.find(({ kind }) => kind === 'account')?.database ?? HOME
  const place = found ?? reads.find(({ name }) => name === named)
  const isAccount = ({ kind }: FailureCount) => kind === 'account'
  const others = home.value.failures.filter((count) => !isAccount(count))
  const failures = [...others, ...(place?.failures.filter(isAccount) ?? [])]
  return { user: found?.user ?? null, failures, unread: failed?.reason }
}
