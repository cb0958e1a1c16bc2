import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { ExpiredRowsStore } from '../storage/expired_rows_store.ts'
import { BROWSER_END_REASONS } from './browser_session_store.ts'

/** The place of an ended browser session in the list. `endedAt` is in Unix seconds. */
export interface EndPlace {
  id: string
  endedAt: number
}

const unfinishedSchema = z.array(
  z.object({ id: z.string(), endedAt: z.int(), subject: z.string(), reason: z.enum(BROWSER_END_REASONS) }),
)

/** The work of the cron trigger on the browser sessions that a logout or a lock ended. */
export class UnfinishedEndStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Up to `limit` ended browser sessions that may have live sessions, newest first.
   *
   * @param before The last place of the page before; null for the first page.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(before: EndPlace | null, limit: number) {
    const select = this.#db
      .prepare(
        `SELECT id, ended_at AS endedAt, subject, reason FROM ended_browser_sessions
         WHERE finished_at IS NULL AND (ended_at, id) < (?, ?) ORDER BY ended_at DESC, id DESC LIMIT ?`,
      )
      .bind(before?.endedAt ?? Number.MAX_SAFE_INTEGER, before?.id ?? '', limit)
    const { results } = await callStore('D1 browser sessions', () => select.all())
    return decodeRecord(unfinishedSchema, 'ended browser sessions', results)
  }

  /**
   * Records that no session is left of ended browser sessions.
   *
   * @param endedBefore A later end stays unfinished. Unix seconds.
   * @returns the number of changed records
   * @throws StorageUnavailable
   */
  async finish(ids: readonly string[], endedBefore: number, now: number): Promise<number> {
    const finish = this.#db
      .prepare(
        `UPDATE ended_browser_sessions SET finished_at = ?3
         WHERE id IN (SELECT value FROM json_each(?1)) AND ended_at < ?2`,
      )
      .bind(JSON.stringify(ids), endedBefore, now)
    const { meta } = await callStore('D1 browser sessions', () => finish.run())
    return meta.changes
  }

  /** Removes up to `limit` records whose cookie has expired. @returns the number of removed records @throws StorageUnavailable */
  sweep(now: number, limit: number): Promise<number> {
    const table = { name: 'ended_browser_sessions', key: 'id', time: 'keep_until' }
    return new ExpiredRowsStore(this.#db, table).sweep(now, limit)
  }
}
