import { HOLDER_COPY_SECONDS } from '../storage/copy_ages.ts'
import type { SqlResult } from '../storage/sql_database.ts'
import {
  FURTHER_LISTS_TABLE,
  HOLDER_COPY_TABLES,
  RESENT_CUTOFFS_COLUMN,
  RESTORES_TABLE,
} from './holder_copy_tables.ts'
import { LISTED_AFTER_EXPIRY_SECONDS } from './revocation_store.ts'

/** A value that a statement of a session store binds. */
export type ObjectValue = string | number | null

export interface ObjectStatement {
  sql: string
  values: ObjectValue[]
}

export interface ObjectResult extends SqlResult {
  results: Record<string, SqlStorageValue>[]
}

/** The statements of one transaction. */
export interface ObjectBatch {
  statements: ObjectStatement[]
}

/** One result for each statement. */
export interface ObjectAnswer {
  results: ObjectResult[]
}

/**
 * The versions of the tables, oldest first. Never change a version: add one. `sessions` and `cutoffs` have the columns of D1. A
 * refresh must write few rows, so `sessions` has no index that a refresh changes. `index_changes` has the sids whose row in
 * `session_index` of D1 may be missing, left over or in the wrong database.
 */
const VERSIONS: readonly string[] = [
  `CREATE TABLE sessions (
     sid TEXT PRIMARY KEY,
     subject TEXT NOT NULL,
     client_id TEXT NOT NULL,
     api TEXT NOT NULL,
     seq INTEGER NOT NULL CHECK (seq >= 0),
     started_at INTEGER NOT NULL,
     rotated_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     keep_until INTEGER NOT NULL,
     ended_at INTEGER,
     end_reason TEXT,
     browser_id TEXT,
     consent_id TEXT,
     opening_id TEXT,
     merged_into TEXT,
     issues_until INTEGER,
     rotation_times TEXT CHECK (json_valid(rotation_times))
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX sessions_by_browser ON sessions (browser_id) WHERE browser_id IS NOT NULL;
   CREATE INDEX sessions_by_consent ON sessions (consent_id) WHERE consent_id IS NOT NULL;
   CREATE TABLE cutoffs (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL CHECK (kind IN ('sid', 'sub', 'client_id', 'jti', 'all')),
     value TEXT NOT NULL,
     before INTEGER NOT NULL,
     reason TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     client_id TEXT,
     UNIQUE (kind, value)
   ) STRICT;
   CREATE TABLE index_changes (id INTEGER PRIMARY KEY, sid TEXT NOT NULL) STRICT;
   CREATE TRIGGER session_added AFTER INSERT ON sessions WHEN new.opening_id IS NULL
   BEGIN
     INSERT INTO index_changes (sid) VALUES (new.sid);
   END;
   CREATE TRIGGER session_removed AFTER DELETE ON sessions
   BEGIN
     INSERT INTO index_changes (sid) VALUES (old.sid);
   END`,
  HOLDER_COPY_TABLES,
  FURTHER_LISTS_TABLE,
  RESTORES_TABLE,
  RESENT_CUTOFFS_COLUMN,
]

/** The tables of one session object, in its own SQLite database. */
export class ObjectTables {
  readonly #storage: DurableObjectStorage
  readonly #sql: SqlStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#sql = storage.sql
  }

  /** Creates the tables, or changes those of an older version. */
  migrate(): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        'CREATE TABLE IF NOT EXISTS object_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID',
      )
      const version = this.#read('version') ?? 0
      if (version >= VERSIONS.length) return
      for (const sql of VERSIONS.slice(version)) this.#sql.exec(sql)
      this.#write('version', VERSIONS.length)
    })
  }

  /**
   * Runs the statements in one transaction.
   *
   * @returns also whether a statement added or removed a row, so that D1 may need a row. No update needs one.
   * @throws the error of SQLite: then no statement has an effect
   */
  run(statements: readonly ObjectStatement[]): { results: ObjectResult[]; hasAdded: boolean } {
    const runAll = () => statements.map((statement) => this.#run(statement))
    const ran = statements.length === 1 ? runAll() : this.#storage.transactionSync(runAll)
    return { results: ran.map(({ result }) => result), hasAdded: ran.some(({ added }) => added) }
  }

  #run({ sql, values }: ObjectStatement): { result: ObjectResult; added: boolean } {
    const cursor = this.#sql.exec(sql, ...values)
    const results = cursor.toArray()
    const hasRows = results.length > 0 || cursor.columnNames.length > 0
    const changes = hasRows ? results.length : this.#countChanges()
    return {
      result: { results, meta: { changes } },
      added: cursor.rowsWritten > 0 && !sql.startsWith('UPDATE'),
    }
  }

  #countChanges(): number {
    return this.#sql.exec<{ changes: number }>('SELECT changes() AS changes').one().changes
  }

  /** Removes up to `limit` sessions whose last token has expired. @param now Unix seconds. @returns how many */
  sweep(now: number, limit: number): number {
    const sql =
      'DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE keep_until <= ? LIMIT ?) RETURNING sid'
    return this.#sql.exec(sql, now, limit).toArray().length
  }

  /** Removes the copies of clients and users that are too old for use. @param now Unix seconds */
  sweepCopies(now: number): void {
    for (const table of ['clients', 'users'])
      this.#sql.exec(`DELETE FROM ${table} WHERE read_at <= ?`, now - HOLDER_COPY_SECONDS.max)
  }

  /** Removes the cutoffs that the main database has and that the feed no longer lists. @param now Unix seconds */
  sweepCutoffs(now: number): void {
    this.#sql.exec(
      'DELETE FROM cutoffs WHERE expires_at <= ? AND id <= (SELECT max(sent_cutoff) FROM restores)',
      now - LISTED_AFTER_EXPIRY_SECONDS,
    )
  }

  /** When the object removes expired sessions next, in Unix seconds; null before the first time. */
  get nextSweepAt(): number | null {
    return this.#read('next_sweep_at')
  }

  set nextSweepAt(at: number) {
    this.#write('next_sweep_at', at)
  }

  #read(name: string): number | null {
    const [row] = this.#sql
      .exec<{ value: number }>('SELECT value FROM object_state WHERE name = ?', name)
      .toArray()
    return row?.value ?? null
  }

  #write(name: string, value: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO object_state (name, value) VALUES (?, ?)', name, value)
  }
}
