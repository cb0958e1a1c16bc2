import { log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'
import type { IndexedSession } from './index_database_store.ts'
import type { SessionIndexStore } from './session_index_store.ts'
import { shardNameOf, sidRangeOf } from './sid.ts'

/** The rows of one call to D1. */
const ROWS_AT_ONCE = 500

/** The most parts that one run of the alarm sends again, of the revocations and of the index. A part has ROWS_AT_ONCE rows. */
const RESENT_PARTS = 4

interface CutoffRow extends Record<string, SqlStorageValue> {
  id: number
}

/** The progress of the outbox since the last known restore of D1 (`RESTORES_TABLE`). */
interface Progress extends Record<string, SqlStorageValue> {
  seq: number
  sentCutoff: number
  /** The part of the cutoffs up to `sentCutoff` that is not sent again yet begins after this id; null: no part. */
  resendCutoffsAfter: number | null
  /** The part of the index that is not sent again yet begins after this sid; null: no part. */
  resendAfter: string | null
}

/** A change of the index. `subject` is null if the object has no such session. */
interface IndexChange extends Record<string, SqlStorageValue> {
  id: number
  sid: string
  subject: string | null
}

const INDEXED = `s.subject, s.client_id AS clientId, s.api, s.started_at AS startedAt,
    s.browser_id AS browserId, s.consent_id AS consentId, s.opening_id AS openingId`
const SELECT_CHANGES = `SELECT c.id, c.sid, ${INDEXED}
  FROM index_changes AS c LEFT JOIN sessions AS s ON s.sid = c.sid ORDER BY c.id LIMIT ?`

const INSERT_CUTOFFS = `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
  SELECT value ->> 'kind', value ->> 'value', value ->> 'before', value ->> 'reason', value ->> 'created_at',
    value ->> 'expires_at', value ->> 'client_id'
  FROM json_each(?1) WHERE TRUE ON CONFLICT DO NOTHING`

/**
 * The rows of a session object that D1 needs: the ends of sessions, for the revocation feed, and the changes of the index. The
 * transaction of the session adds a row. A change of the index stays until D1 has it. A cutoff stays until its tokens have expired, so
 * that the object can send it again after a restore of D1.
 */
export class ObjectOutbox {
  readonly #sql: SqlStorage
  readonly #db: () => D1Database
  readonly #index: () => Pick<SessionIndexStore, 'change' | 'listRange'>

  /** @param db The main database. A call reads it and the index, because the object may outlive a connection. */
  constructor(
    sql: SqlStorage,
    db: () => D1Database,
    index: () => Pick<SessionIndexStore, 'change' | 'listRange'>,
  ) {
    this.#sql = sql
    this.#db = db
    this.#index = index
  }

  /** Whether D1 needs no row. The index waits for the first session, because an object without sessions does not know its name. */
  get isEmpty(): boolean {
    const select = `SELECT EXISTS (SELECT 1 FROM cutoffs WHERE id > sent_cutoff) OR EXISTS (SELECT 1 FROM index_changes)
      OR resend_cutoffs_after IS NOT NULL
      OR (resend_after IS NOT NULL AND (resend_after <> '' OR EXISTS (SELECT 1 FROM sessions))) AS n FROM restores WHERE name = ''`
    return this.#sql.exec<{ n: number }>(select).one().n === 0
  }

  /** Sends the ended sessions to the revocation feed. Parallel and repeated calls add each session once. @throws StorageUnavailable */
  async sendCutoffs(): Promise<void> {
    let rows: CutoffRow[]
    do {
      const { seq, sentCutoff } = this.#progress()
      rows = this.#cutoffs(sentCutoff, Number.MAX_SAFE_INTEGER)
      const last = rows.at(-1)
      if (last === undefined) return
      await this.#insertCutoffs(rows)
      const advance = `UPDATE restores SET sent_cutoff = max(sent_cutoff, ?) WHERE name = '' AND seq = ?`
      this.#sql.exec(advance, last.id, seq)
    } while (rows.length === ROWS_AT_ONCE)
  }

  /** After a restore of D1, sends a part of the ended sessions again. Only one call may run at a time. @throws StorageUnavailable */
  async sendCutoffsAgain(): Promise<void> {
    for (let part = 0; part < RESENT_PARTS; part++) {
      const { seq, sentCutoff, resendCutoffsAfter } = this.#progress()
      if (resendCutoffsAfter === null) return
      const rows = this.#cutoffs(resendCutoffsAfter, sentCutoff)
      if (rows.length > 0) await this.#insertCutoffs(rows)
      const next = rows.length === ROWS_AT_ONCE ? (rows.at(-1)?.id ?? null) : null
      const advance = `UPDATE restores SET resend_cutoffs_after = ? WHERE name = '' AND seq = ?`
      this.#sql.exec(advance, next, seq)
    }
  }

  /**
   * After a restore of D1, adds the rows that a part of the index lacks, and removes those of sessions that the object no longer has. A
   * row with another subject is replaced: it has the id of an erased user. The end is logged. Only one call may run at a time.
   *
   * @throws StorageUnavailable
   */
  async sendIndexAgain(): Promise<void> {
    for (let part = 0; part < RESENT_PARTS; part++) {
      const { seq, resendAfter } = this.#progress()
      if (resendAfter === null) return
      const next = await this.#completeIndex(resendAfter)
      if (next === '') return
      this.#sql.exec(`UPDATE restores SET resend_after = ? WHERE name = '' AND seq = ?`, next, seq)
      if (next === null) log('info', 'session_index_sent_again', { restored: seq })
    }
  }

  /** @returns the last sid of the part; null after the last part; '' before the first session */
  async #completeIndex(resendAfter: string): Promise<string | null> {
    const select = 'SELECT sid FROM sessions WHERE sid > ? ORDER BY sid LIMIT ?'
    const sids = this.#sql.exec<{ sid: string }>(select, resendAfter, ROWS_AT_ONCE).toArray()
    const known = sids[0]?.sid ?? resendAfter
    if (known === '') return known
    const { first, end } = sidRangeOf(shardNameOf(known))
    const last = sids.length === ROWS_AT_ONCE ? (sids.at(-1)?.sid ?? end) : end
    const after = resendAfter === '' ? first : resendAfter
    const indexed = await this.#index().listRange(after, last)
    // Read after the index, because the object has each session before the index has it.
    const selectOwn = `SELECT s.sid, ${INDEXED} FROM sessions AS s WHERE s.sid > ? AND s.sid <= ?`
    const own = this.#sql
      .exec<IndexedSession & Record<string, SqlStorageValue>>(selectOwn, after, indexed.last)
      .toArray()
    const subjects = new Map(own.map(({ sid, subject }) => [sid, subject]))
    const removed = indexed.rows.flatMap(({ sid, subject }) => (subjects.get(sid) === subject ? [] : sid))
    const indexedSids = new Set(indexed.rows.map(({ sid }) => sid))
    await this.#index().change({ added: own.filter(({ sid }) => !indexedSids.has(sid)), removed })
    this.#addAgain(removed)
    return indexed.last === end ? null : indexed.last
  }

  /** Sends the changes of the index. Only one call may run at a time. @throws StorageUnavailable */
  async sendIndexChanges(): Promise<void> {
    let rows: IndexChange[]
    do {
      rows = this.#sql.exec<IndexChange>(SELECT_CHANGES, ROWS_AT_ONCE).toArray()
      const added = rows.filter(isPresent)
      const removed = rows.filter((row) => !isPresent(row)).map(({ sid }) => sid)
      await this.#index().change({ added, removed })
      this.#remove(rows)
      this.#addAgain(removed)
    } while (rows.length === ROWS_AT_ONCE)
  }

  /** A session lost its row in the index if it opened again during the call, or if the row had another subject. */
  #addAgain(removed: readonly string[]): void {
    this.#sql.exec(
      'INSERT INTO index_changes (sid) SELECT sid FROM sessions WHERE sid IN (SELECT value FROM json_each(?))',
      JSON.stringify(removed),
    )
  }

  #remove(rows: readonly IndexChange[]): void {
    const ids = JSON.stringify(rows.map(({ id }) => id))
    this.#sql.exec('DELETE FROM index_changes WHERE id IN (SELECT value FROM json_each(?))', ids)
  }

  /** The next ended sessions in a range of ids. @param after Excluded. @param last Included. */
  #cutoffs(after: number, last: number): CutoffRow[] {
    const select = 'SELECT * FROM cutoffs WHERE id > ? AND id <= ? ORDER BY id LIMIT ?'
    return this.#sql.exec<CutoffRow>(select, after, last, ROWS_AT_ONCE).toArray()
  }

  async #insertCutoffs(rows: readonly CutoffRow[]): Promise<void> {
    const insertion = this.#db().prepare(INSERT_CUTOFFS).bind(JSON.stringify(rows))
    await callStore('D1 cutoffs', () => insertion.run())
  }

  #progress(): Progress {
    const select = `SELECT seq, sent_cutoff AS sentCutoff, resend_cutoffs_after AS resendCutoffsAfter,
      resend_after AS resendAfter FROM restores WHERE name = ''`
    return this.#sql.exec<Progress>(select).one()
  }
}

function isPresent(change: IndexChange): change is IndexChange & IndexedSession {
  return change.subject !== null
}
