import { callStore } from '../lib/storage_error.ts'

/** Removes expired counts of failed sign-ins from one database of users. */
export class FailureSweepStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Removes up to `limit` expired rows. @returns the number of removed rows @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM sign_in_failures WHERE (kind, key) IN
           (SELECT kind, key FROM sign_in_failures WHERE expires_at <= ? LIMIT ?)`,
      )
      .bind(now, limit)
    const { meta } = await callStore('D1 sign_in_failures', () => sweep.run())
    return meta.changes
  }
}
