import { callStore } from '../lib/storage_error.ts'

/** The list of changed users, in D1. Triggers write it, and session objects read it. */
export class UserChangeStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Removes the changes before a time from the `limit` oldest rows. The newest row stays, because it has the number of the latest change,
   * but without the id of its user.
   *
   * @param before Unix seconds.
   * @returns how many
   * @throws StorageUnavailable
   */
  async sweep(before: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM user_changes WHERE seq < (SELECT max(seq) FROM user_changes) AND seq IN
           (SELECT seq FROM (SELECT seq, at FROM user_changes ORDER BY seq LIMIT ?2) WHERE at <= ?1)`,
      )
      .bind(before, limit)
    const forget = this.#db
      .prepare(
        `UPDATE user_changes SET name = 'expired:' || seq
         WHERE seq = (SELECT max(seq) FROM user_changes) AND at <= ? AND name <> 'expired:' || seq`,
      )
      .bind(before)
    const [removed] = await callStore('D1 user_changes', () => this.#db.batch([sweep, forget]))
    return removed?.meta.changes ?? 0
  }
}
