import { callStore } from '../lib/storage_error.ts'

/** A table whose rows expire. */
interface ExpiringTable {
  name: string
  /** The columns of the primary key, such as `kind, key`. */
  key: string
  /** The column with the time after which a row is not needed. Unix seconds. */
  time: string
}

/** Removes expired rows of one table of a D1 database. */
export class ExpiredRowsStore {
  readonly #db: D1Database
  readonly #table: ExpiringTable

  constructor(db: D1Database, table: ExpiringTable) {
    this.#db = db
    this.#table = table
  }

  /** Removes up to `limit` rows whose time is not after `before`, in Unix seconds. @returns how many @throws StorageUnavailable */
  async sweep(before: number, limit: number): Promise<number> {
    const { name, key, time } = this.#table
    const sweep = this.#db
      .prepare(
        `DELETE FROM ${name} WHERE (${key}) IN (SELECT ${key} FROM ${name} WHERE ${time} <= ? LIMIT ?)`,
      )
      .bind(before, limit)
    const { meta } = await callStore(`D1 ${name}`, () => sweep.run())
    return meta.changes
  }
}
