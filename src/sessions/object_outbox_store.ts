import { callStore } from '../lib/storage_error.ts'
import type { IndexedSession, SessionIndexStore } from './session_index_store.ts'

/** The rows of one call to D1. */
const ROWS_AT_ONCE = 500

interface CutoffRow extends Record<string, SqlStorageValue> {
  id: number
}

/** A change of the index. `subject` is null if the object has no such session. */
interface IndexChange extends Record<string, SqlStorageValue> {
  id: number
  sid: string
  subject: string | null
}

const SELECT_CHANGES = `SELECT c.id, c.sid, s.subject, s.client_id AS clientId, s.api, s.started_at AS startedAt,
    s.browser_id AS browserId, s.consent_id AS consentId
  FROM index_changes AS c LEFT JOIN sessions AS s ON s.sid = c.sid ORDER BY c.id LIMIT ?`

const INSERT_CUTOFFS = `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
  SELECT value ->> 'kind', value ->> 'value', value ->> 'before', value ->> 'reason', value ->> 'created_at',
    value ->> 'expires_at', value ->> 'client_id'
  FROM json_each(?1) WHERE TRUE ON CONFLICT DO NOTHING`

/**
 * The rows of a session object that D1 needs: the ends of sessions, for the revocation feed, and the changes of the index. The
 * transaction of the session adds a row, and the row stays until D1 has it.
 */
export class ObjectOutbox {
  readonly #sql: SqlStorage
  readonly #db: () => D1Database
  readonly #index: () => Pick<SessionIndexStore, 'change'>

  /** @param db The main database, and the index in it. A call reads them, because the object may outlive a connection. */
  constructor(sql: SqlStorage, db: () => D1Database, index: () => Pick<SessionIndexStore, 'change'>) {
    this.#sql = sql
    this.#db = db
    this.#index = index
  }

  /** Whether D1 needs a row. */
  get isEmpty(): boolean {
    const select = 'SELECT EXISTS (SELECT 1 FROM cutoffs) OR EXISTS (SELECT 1 FROM index_changes) AS n'
    return this.#sql.exec<{ n: number }>(select).one().n === 0
  }

  /** Sends the ended sessions to the revocation feed. Parallel and repeated calls add each session once. @throws StorageUnavailable */
  async sendCutoffs(): Promise<void> {
    let rows: CutoffRow[]
    do {
      rows = this.#sql.exec<CutoffRow>('SELECT * FROM cutoffs ORDER BY id LIMIT ?', ROWS_AT_ONCE).toArray()
      if (rows.length === 0) return
      const insertion = this.#db().prepare(INSERT_CUTOFFS).bind(JSON.stringify(rows))
      await callStore('D1 cutoffs', () => insertion.run())
      this.#remove('cutoffs', rows)
    } while (rows.length === ROWS_AT_ONCE)
  }

  /** Sends the changes of the index. Only one call may run at a time. @throws StorageUnavailable */
  async sendIndexChanges(): Promise<void> {
    let rows: IndexChange[]
    do {
      rows = this.#sql.exec<IndexChange>(SELECT_CHANGES, ROWS_AT_ONCE).toArray()
      const added = rows.filter(isPresent)
      const removed = rows.filter((row) => !isPresent(row)).map(({ sid }) => sid)
      await this.#index().change({ added, removed })
      this.#remove('index_changes', rows)
      this.#addAgain(removed)
    } while (rows.length === ROWS_AT_ONCE)
  }

  /** A session that opened again during the call may have lost its row in the index. */
  #addAgain(removed: readonly string[]): void {
    this.#sql.exec(
      'INSERT INTO index_changes (sid) SELECT sid FROM sessions WHERE sid IN (SELECT value FROM json_each(?))',
      JSON.stringify(removed),
    )
  }

  #remove(table: 'cutoffs' | 'index_changes', rows: readonly { id: number }[]): void {
    const ids = JSON.stringify(rows.map(({ id }) => id))
    this.#sql.exec(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, ids)
  }
}

function isPresent(change: IndexChange): change is IndexChange & IndexedSession {
  return change.subject !== null
}
