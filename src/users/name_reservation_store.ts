import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { settleAll } from '../lib/settle_all.ts'
import { ConstraintFailed, callStore, StorageUnavailable } from '../lib/storage_error.ts'
import type { User } from './user.ts'
import type { UserDatabases } from './user_databases_store.ts'

/** A request holds a username for this time. It is much longer than the deadline of a call to D1. */
const RESERVATION_SECONDS = 60

type NamedUser = Pick<User, 'id' | 'pool' | 'username'>

/** SQL for whether another user of this database has the name of an item of a JSON array. */
const IS_TAKEN = `EXISTS (SELECT 1 FROM users WHERE users.pool = value ->> 'pool' AND users.username = value ->> 'username'
    AND users.id <> value ->> 'id')`

const SELECT_TAKEN = `
  SELECT value ->> 'pool' AS pool, value ->> 'username' AS username FROM json_each(?) WHERE ${IS_TAKEN}`

/** Reserves the names of a JSON array, except those of other users and those that another request holds. */
const RESERVE = `
  INSERT INTO name_reservations (pool, username, token, expires_at)
  SELECT value ->> 'pool', value ->> 'username', ?2, ?3 FROM json_each(?1) WHERE NOT ${IS_TAKEN}
  ON CONFLICT DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at
    WHERE name_reservations.expires_at <= ?4
  RETURNING pool, username`

const namesSchema = z.array(z.object({ pool: z.string(), username: z.string() }))

/**
 * SQL for whether a request still holds a username in this database.
 *
 * @param token SQL for its token. @param name SQL for the username of a pool.
 */
export function isReserved(token: string, { pool, username }: { pool: string; username: string }): string {
  return `EXISTS (SELECT 1 FROM name_reservations AS reserved
    WHERE reserved.pool = ${pool} AND reserved.username = ${username} AND reserved.token = ${token})`
}

/**
 * Keeps a username unique over several databases (docs/decisions/0084). A request holds the name in every database of the pool, and
 * then writes the user in one of them, if it holds the name there. To hold the name, another request must replace this row.
 */
export class NameReservationStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /**
   * Reserves the usernames of users. A failure ends the reservations, so that a repeat gets the names.
   *
   * @param now Unix seconds.
   * @returns the users whose name is free and not held; null if the database of the users alone keeps their names unique
   * @throws StorageUnavailable
   */
  async reserve<T extends NamedUser>(
    users: readonly T[],
    now: number,
  ): Promise<{ users: T[]; token: string } | null> {
    if (users.every(({ pool }) => this.#databases.namesFor(pool).length === 1)) return null
    const token = randomId(16)
    try {
      return { users: await this.#hold(users, { token, now }), token }
    } catch (error) {
      await this.release(token)
      throw error
    }
  }

  async #hold<T extends NamedUser>(
    users: readonly T[],
    { token, now }: { token: string; now: number },
  ): Promise<T[]> {
    const { home } = this.#databases
    const reserveIn = async (db: D1Database, wanted: readonly T[]) => {
      const values = [namesOf(wanted), token, now + RESERVATION_SECONDS, now]
      const held = new Set(await readNames('D1 name_reservations', db.prepare(RESERVE).bind(...values)))
      return wanted.filter((user) => held.has(keyOf(user)))
    }
    // The main database comes first, so that exactly one of several parallel requests holds a name.
    const first = await reserveIn(home, users)
    const further = this.#databases.all().filter((db) => db !== home)
    const held = await settleAll(further.map((db) => reserveIn(db, first)))
    return first.filter((user) => held.every((reserved) => reserved.includes(user)))
  }

  /**
   * Reserves the new username of a user.
   *
   * @returns the token; null if the database alone keeps the name unique
   * @throws StorageUnavailable, also if another request holds the name; ConstraintFailed if another user has it
   */
  async reserveFor(user: NamedUser, now: number): Promise<string | null> {
    const reserved = await this.reserve([user], now)
    if (reserved === null || reserved.users.length > 0) return reserved?.token ?? null
    await this.release(reserved.token)
    await this.requireTaken([user])
    const columns = ['users.pool', 'users.username']
    throw new ConstraintFailed('the username is taken', { constraint: 'unique', columns })
  }

  /**
   * Requires that other users have the usernames that a request did not get. Otherwise another request holds a username: it can still
   * write its user, or it has failed and could not end its reservation.
   *
   * @throws StorageUnavailable if no database has a user with one of the usernames
   */
  async requireTaken(users: readonly NamedUser[]): Promise<void> {
    if (users.length === 0) return
    const reads = this.#databases
      .all()
      .map((db) => readNames('D1 users', db.prepare(SELECT_TAKEN).bind(namesOf(users))))
    const taken = new Set((await Promise.all(reads)).flat())
    if (users.some((user) => !taken.has(keyOf(user))))
      throw new StorageUnavailable('another request holds a username')
  }

  /** Ends reservations. After a failure they expire. */
  async release(token: string): Promise<void> {
    const removals = this.#databases.all().map((db) => {
      const remove = db.prepare('DELETE FROM name_reservations WHERE token = ?').bind(token)
      return callStore('D1 name_reservations', () => remove.run())
    })
    await settleAll(removals).catch((error) =>
      log('warn', 'names_not_released', { cause: describeError(error) }),
    )
  }
}

/** The JSON array of names for `RESERVE` and `SELECT_TAKEN`. */
function namesOf(users: readonly NamedUser[]): string {
  return JSON.stringify(users.map(({ id, pool, username }) => ({ id, pool, username })))
}

/** Runs a statement that returns names. @returns their keys @throws StorageUnavailable, CorruptRecord */
async function readNames(store: string, statement: D1PreparedStatement): Promise<string[]> {
  const { results } = await callStore(store, () => statement.all())
  return decodeRecord(namesSchema, 'names', results).map(keyOf)
}

function keyOf({ pool, username }: Pick<User, 'pool' | 'username'>): string {
  return `${pool}\n${username}`
}
