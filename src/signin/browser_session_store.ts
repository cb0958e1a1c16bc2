import { callStore } from '../lib/storage_error.ts'

/** The browser sessions that a sign-out ended. Times are Unix seconds. */
export class BrowserSessionStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Records the end of a browser session until its cookie has expired. A deleted user needs no record.
   *
   * @returns whether this call ended the session
   * @throws StorageUnavailable
   */
  async end(
    { id, subject, keepUntil }: { id: string; subject: string; keepUntil: number },
    now: number,
  ): Promise<boolean> {
    const end = this.#db
      .prepare(
        `INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2) ON CONFLICT DO NOTHING`,
      )
      .bind(id, subject, now, keepUntil)
    const { meta } = await callStore('D1 browser sessions', () => end.run())
    return meta.changes > 0
  }

  /** Removes up to `limit` ends whose cookie has expired. @returns how many @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM ended_browser_sessions WHERE id IN
           (SELECT id FROM ended_browser_sessions WHERE keep_until <= ? LIMIT ?)`,
      )
      .bind(now, limit)
    const { meta } = await callStore('D1 browser sessions', () => sweep.run())
    return meta.changes
  }
}
