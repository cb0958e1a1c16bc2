import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { User } from './user.ts'

/** A user whose deletion is due. `deletionAt` is in Unix seconds. */
export interface DueUser extends Pick<User, 'id' | 'pool' | 'username'> {
  deletionAt: number
}

const dueSchema = z.array(
  z.object({ id: z.string(), pool: z.string(), username: z.string(), deletionAt: z.int() }),
)

/** The users of the main database whose deletion is due. */
export class DueDeletionStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Up to `limit` users, the oldest deletion first.
   *
   * @param after The last user of the page before; null for the first page.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(after: DueUser | null, now: number, limit: number): Promise<DueUser[]> {
    const select = this.#db
      .prepare(
        `SELECT id, pool, username, deletion_at AS deletionAt FROM users
         WHERE deletion_at <= ? AND (deletion_at, id) > (?, ?) ORDER BY deletion_at, id LIMIT ?`,
      )
      .bind(now, after?.deletionAt ?? 0, after?.id ?? '', limit)
    const { results } = await callStore('D1 users', () => select.all())
    return decodeRecord(dueSchema, 'users', results)
  }
}
