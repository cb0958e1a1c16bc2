import { callStore } from '../lib/storage_error.ts'
import type { SqlDatabase } from '../storage/sql_database.ts'
import type { Erasure } from '../users/erasure_store.ts'

/**
 * Parameters: a JSON array of erasures, and the limit. A row stays until its last token has expired, because without it a token
 * of a guest could start the session again.
 */
const ERASE = `
  UPDATE sessions SET subject = (SELECT value ->> 'pseudonym' FROM json_each(?1) WHERE value ->> 'subject' = sessions.subject)
  WHERE sid IN (SELECT session.sid FROM json_each(?1) AS erasure CROSS JOIN sessions AS session
    ON session.subject = erasure.value ->> 'subject' LIMIT ?2)`

/** Removes the ids of erased users from the sessions of one shard or object. */
export class SessionErasureStore {
  readonly #db: SqlDatabase

  constructor(db: SqlDatabase) {
    this.#db = db
  }

  /** Replaces the ids in up to `limit` sessions. @returns how many @throws StorageUnavailable */
  async erase(erasures: readonly Erasure[], limit: number): Promise<number> {
    if (erasures.length === 0) return 0
    const statement = this.#db.prepare(ERASE).bind(JSON.stringify(erasures), limit)
    const { meta } = await callStore('D1 sessions', () => statement.run())
    return meta.changes
  }
}
