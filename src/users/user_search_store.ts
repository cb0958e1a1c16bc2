import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeProfile } from './profile.ts'
import { searchTextOf } from './user_search.ts'

const rowsSchema = z.array(
  z.object({ id: z.string(), username: z.string(), profile: z.string(), version: z.int() }),
)

/** Fills the column `search` of users that a migration, SQL or an older version of the Worker left empty, in D1. */
export class UserSearchStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Fills up to `limit` rows. A row that changes in the meantime is left to the next call.
   *
   * @returns the number of rows without a search text that were read
   * @throws StorageUnavailable, CorruptRecord
   */
  async fill(limit: number): Promise<number> {
    const select = this.#db
      .prepare(
        'SELECT id, username, profile, version FROM users INDEXED BY users_without_search WHERE search IS NULL LIMIT ?',
      )
      .bind(limit)
    const { results } = await callStore('D1 users', () => select.all())
    const rows = decodeRecord(rowsSchema, 'users', results)
    if (rows.length === 0) return 0
    const texts = rows.map(({ id, username, profile, version }) => ({
      id,
      version,
      search: searchTextOf({ username, profile: decodeProfile(`user ${id}`, profile) }),
    }))
    const update = this.#db
      .prepare(
        `UPDATE users SET search = new.value ->> 'search' FROM json_each(?) AS new
         WHERE users.id = new.value ->> 'id' AND users.version = new.value ->> 'version'`,
      )
      .bind(JSON.stringify(texts))
    await callStore('D1 users', () => update.run())
    return rows.length
  }
}
