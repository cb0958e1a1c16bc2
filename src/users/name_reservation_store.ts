import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { ConstraintFailed, callStore } from '../lib/storage_error.ts'
import type { User } from './user.ts'
import type { UserDatabases } from './user_databases_store.ts'

/** A request holds a username for this time. It is much longer than the deadline of a call to D1. */
const RESERVATION_SECONDS = 60

type NamedUser = Pick<User, 'id' | 'pool' | 'username'>

/** Reserves the names of a JSON array, except those of other users and those that another request holds. */
const RESERVE = `
  INSERT INTO name_reservations (pool, username, token, expires_at)
  SELECT value ->> 'pool', value ->> 'username', ?2, ?3 FROM json_each(?1)
  WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.pool = value ->> 'pool' AND users.username = value ->> 'username'
    AND users.id <> value ->> 'id')
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
   * Reserves the usernames of users.
   *
   * @param now Unix seconds.
   * @returns the users whose name is free; null if the database of the users alone keeps their names unique
   * @throws StorageUnavailable
   */
  async reserve<T extends NamedUser>(
    users: readonly T[],
    now: number,
  ): Promise<{ users: T[]; token: string } | null> {
    if (users.every(({ pool }) => this.#databases.namesFor(pool).length === 1)) return null
    const token = randomId(16)
    const { home } = this.#databases
    const reserveIn = async (db: D1Database, wanted: readonly T[]) => {
      const names = JSON.stringify(wanted.map(({ id, pool, username }) => ({ id, pool, username })))
      const reserve = db.prepare(RESERVE).bind(names, token, now + RESERVATION_SECONDS, now)
      const { results } = await callStore('D1 name_reservations', () => reserve.all())
      const held = new Set(decodeRecord(namesSchema, 'reserved names', results).map(keyOf))
      return wanted.filter((user) => held.has(keyOf(user)))
    }
    // The main database comes first, so that exactly one of several parallel requests holds a name.
    const first = await reserveIn(home, users)
    const further = this.#databases.all().filter((db) => db !== home)
    const held = await Promise.all(further.map((db) => reserveIn(db, first)))
    return { users: first.filter((user) => held.every((reserved) => reserved.includes(user))), token }
  }

  /**
   * Reserves the new username of a user.
   *
   * @returns the token; null if the database alone keeps the name unique
   * @throws StorageUnavailable, ConstraintFailed if the name is taken
   */
  async reserveFor(user: NamedUser, now: number): Promise<string | null> {
    const reserved = await this.reserve([user], now)
    if (reserved === null || reserved.users.length > 0) return reserved?.token ?? null
    await this.release(reserved.token)
    const columns = ['users.pool', 'users.username']
    throw new ConstraintFailed('the username is taken', { constraint: 'unique', columns })
  }

  /** Ends reservations. After a failure they expire. */
  async release(token: string): Promise<void> {
    const removals = this.#databases.all().map((db) => {
      const remove = db.prepare('DELETE FROM name_reservations WHERE token = ?').bind(token)
      return callStore('D1 name_reservations', () => remove.run())
    })
    const [failed] = (await Promise.allSettled(removals)).filter(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected')
      log('warn', 'names_not_released', { cause: describeError(failed.reason) })
  }
}

function keyOf({ pool, username }: Pick<User, 'pool' | 'username'>): string {
  return `${pool}\n${username}`
}
