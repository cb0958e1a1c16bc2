import { callStore } from '../lib/storage_error.ts'
import { LOGOUT } from '../sessions/session.ts'
import { SUSPICIONS } from '../users/sign_in_mark.ts'
import { isInFurther } from '../users/user_databases_store.ts'

/** The reasons for the end of a browser session. */
export const BROWSER_END_REASONS = [LOGOUT, ...SUSPICIONS] as const

type BrowserEndReason = (typeof BROWSER_END_REASONS)[number]

/** Browser sessions of one user that end together. */
export interface BrowserSessionEnds {
  ids: readonly string[]
  subject: string
  /** When their cookies have expired. Unix seconds. */
  keepUntil: number
  reason: BrowserEndReason
}

/** The browser sessions that a logout or a lock ended. Times are Unix seconds. */
export class BrowserSessionStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Records the end of browser sessions until their cookies have expired. A deleted user needs no record. The record of a user of
   * a further database is written in any case, and the cron trigger removes that of a deleted user. A suspicion replaces a logout, because
   * it ends more sessions.
   *
   * @returns whether this call changed a record
   * @throws StorageUnavailable
   */
  async end({ ids, subject, keepUntil, reason }: BrowserSessionEnds, now: number): Promise<boolean> {
    const end = this.#db
      .prepare(
        `INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until, reason)
         SELECT value, ?2, ?3, ?4, ?5 FROM json_each(?1) WHERE ?7 OR EXISTS (SELECT 1 FROM users WHERE id = ?2)
         ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, finished_at = NULL
           WHERE reason = ?6 AND excluded.reason <> ?6`,
      )
      .bind(JSON.stringify(ids), subject, now, keepUntil, reason, LOGOUT, Number(isInFurther(subject)))
    const { meta } = await callStore('D1 browser sessions', () => end.run())
    return meta.changes > 0
  }
}
