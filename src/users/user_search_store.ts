import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Swept } from '../storage/sweep.ts'
import { decodeProfile } from './profile.ts'
import { searchTextOf } from './user_search.ts'

const rowsSchema = z.array(
  z.object({ id: z.string(), username: z.string(), profile: z.string(), version: z.int() }),
)

/** One run of the cron trigger. It has read the users up to the id `after`. */
export interface FillRun {
  after: string
}

/** The statements of one call of `UserSearchStore.fill`. */
export const FILL_STATEMENTS = 2

/** Fills the column `search` of users that a migration, SQL or an older version of the Worker left empty, in D1. */
export class UserSearchStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Fills the next `limit` rows of a run. A row that changes in the meantime, and a row with a corrupt profile, are left to the
   * next run.
   *
   * @param run The call changes it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async fill(run: FillRun, limit: number): Promise<Swept> {
    const select = this.#db
      .prepare(
        'SELECT id, username, profile, version FROM users INDEXED BY users_without_search WHERE search IS NULL AND id > ? ORDER BY id LIMIT ?',
      )
      .bind(run.after, limit)
    const { results } = await callStore('D1 users', () => select.all())
    const rows = decodeRecord(rowsSchema, 'users', results)
    run.after = rows.at(-1)?.id ?? run.after
    const failures: unknown[] = []
    const texts = rows.flatMap(({ id, username, profile, version }) => {
      try {
        const search = searchTextOf({ username, profile: decodeProfile(`user ${id}`, profile) })
        return [{ id, version, search }]
      } catch (error) {
        failures.push(error)
        return []
      }
    })
    const swept = { removed: texts.length, hasMore: rows.length === limit, failures }
    if (texts.length === 0) return swept
    const update = this.#db
      .prepare(
        `UPDATE users SET search = new.value ->> 'search' FROM json_each(?) AS new
         WHERE users.id = new.value ->> 'id' AND users.version = new.value ->> 'version'`,
      )
      .bind(JSON.stringify(texts))
    await callStore('D1 users', () => update.run())
    return swept
  }
}
