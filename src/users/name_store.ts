import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'

/** The usernames of users and the display names of clients by their ids. A deleted user or client has none. */
export type Names = ReadonlyMap<string, string>

const namesSchema = z.array(z.object({ id: z.string(), name: z.string() }))

/** A client id has no colon, so it never equals the id of a user. */
const SELECT_NAMES = `
  SELECT id, username AS name FROM users WHERE id IN (SELECT value FROM json_each(?1)) AND pool IS NOT ?2
  UNION ALL
  SELECT client_id, name FROM clients WHERE client_id IN (SELECT value FROM json_each(?1))`

/** Finds the names for the ids of a response, in D1. */
export class NameStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Finds the names of users and clients in one statement.
   *
   * @param ids Ids of users, guests and clients, in any order; null is ignored.
   * @param hiddenPool A pool whose names are left out; null for none.
   * @throws StorageUnavailable, CorruptRecord
   */
  async find(ids: Iterable<string | null>, hiddenPool: string | null): Promise<Names> {
    const known = [...new Set(ids)].filter((id) => id !== null)
    if (known.length === 0) return new Map()
    const select = this.#db.prepare(SELECT_NAMES).bind(JSON.stringify(known), hiddenPool)
    const { results } = await callStore('D1 users and clients', () => select.all())
    return new Map(decodeRecord(namesSchema, 'names', results).map(({ id, name }) => [id, name]))
  }
}
