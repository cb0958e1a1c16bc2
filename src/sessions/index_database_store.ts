import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { type PageQuery, pageSql } from '../lib/list_page.ts'
import { callStore } from '../lib/storage_error.ts'
import { where } from '../lib/where.ts'
import type { Erasure } from '../users/erasure_store.ts'
import { originSql, type SessionOrigin } from './session_ending_store.ts'
import { hasOwner, ownerConditions, type SessionOwner } from './session_list_store.ts'

/** The row of a session in the index. `startedAt` is in Unix seconds. */
export interface IndexedSession {
  sid: string
  subject: string
  clientId: string
  api: string
  startedAt: number
  browserId: string | null
  consentId: string | null
  /** The id of the exchange that opened the session; null for a session that began without a code. */
  openingId: string | null
}

/** The sessions that the index lacks, and the sids of those that it must no longer have. */
export interface IndexChanges {
  added: readonly IndexedSession[]
  removed: readonly string[]
}

/** The start of a session in the index, in Unix seconds. */
export interface IndexPlace {
  sid: string
  startedAt: number
}

/** The rows of a range of sids. `last` is the end of the range, included. */
export interface IndexRange {
  rows: Pick<IndexedSession, 'sid' | 'subject'>[]
  last: string
}

/** A search for objects with sessions of erased users. */
export interface ErasedSearch {
  erasures: readonly Erasure[]
  /** The names of the objects that it leaves out. */
  without: readonly string[]
}

/** A user who is erased, and an object that has sessions of the user. */
export interface ErasedPlace extends Erasure {
  object: string
}

/** `?1` is a JSON array of `IndexedSession`. A row never changes, except for the subject of an erased user. */
const INSERT = `INSERT INTO session_index (sid, subject, client_id, api, started_at, browser_id, consent_id)
  SELECT value ->> 'sid', value ->> 'subject', value ->> 'clientId', value ->> 'api', value ->> 'startedAt',
    value ->> 'browserId', value ->> 'consentId'
  FROM json_each(?1) WHERE TRUE ON CONFLICT DO NOTHING`

const DELETE = 'DELETE FROM session_index WHERE sid IN (SELECT value FROM json_each(?1))'

/** The most rows of one read of a range. */
const RANGE_ROWS = 1000

/** The name of the object of a row. */
const OBJECT = "substr(sid, 1, instr(sid, '.') - 1)"

const sidsSchema = z.array(z.object({ sid: z.string() }))
const rangeSchema = z.array(z.object({ sid: z.string(), subject: z.string() }))
const placesSchema = z.array(z.object({ sid: z.string(), startedAt: z.int() }))
const objectsSchema = z.array(z.object({ object: z.string() }))
const erasedSchema = z.array(z.object({ object: z.string(), subject: z.string(), pseudonym: z.string() }))

/** The part of the index of the sessions in objects that is in one D1 database. */
export class IndexDatabaseStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Makes a statement that adds a session, if the index does not have it. */
  addition(session: IndexedSession): D1PreparedStatement {
    return this.#db.prepare(INSERT).bind(JSON.stringify([session]))
  }

  /** Adds and removes sessions. A repeated call has no further effect. @throws StorageUnavailable */
  async change({ added, removed }: IndexChanges): Promise<void> {
    const statements = [
      ...(added.length > 0 ? [this.#db.prepare(INSERT).bind(JSON.stringify(added))] : []),
      ...(removed.length > 0 ? [this.#db.prepare(DELETE).bind(JSON.stringify(removed))] : []),
    ]
    if (statements.length > 0) await callStore('D1 session_index', () => this.#db.batch(statements))
  }

  /** The sessions of an owner in the reading direction of a page, and one more than its limit. @throws StorageUnavailable, CorruptRecord */
  async list(owner: SessionOwner, page: PageQuery): Promise<IndexPlace[]> {
    if (!hasOwner(owner)) return []
    const { condition, end } = pageSql(['started_at', 'sid'], page)
    const { sql, values } = where([...ownerConditions(owner), condition])
    const select = `SELECT sid, started_at AS startedAt FROM session_index ${sql} ${end}`
    return decodeRecord(placesSchema, 'session index', await this.#all(select, values))
  }

  /** The sids of up to `limit` sessions of an owner. @throws StorageUnavailable, CorruptRecord */
  async listSids(owner: SessionOwner, limit: number): Promise<string[]> {
    if (!hasOwner(owner)) return []
    const { sql, values } = where(ownerConditions(owner))
    const results = await this.#all(`SELECT sid FROM session_index ${sql} LIMIT ?`, [...values, limit])
    return decodeRecord(sidsSchema, 'session index', results).map(({ sid }) => sid)
  }

  /**
   * Up to `RANGE_ROWS` rows of a range, in the order of their sids.
   *
   * @returns the part that was read: it ends with the last of these sids if there may be more, otherwise with `last`
   * @throws StorageUnavailable, CorruptRecord
   */
  async listRange(after: string, last: string): Promise<IndexRange> {
    const sql = 'SELECT sid, subject FROM session_index WHERE sid > ? AND sid <= ? ORDER BY sid LIMIT ?'
    const results = await this.#all(sql, [after, last, RANGE_ROWS])
    const rows = decodeRecord(rangeSchema, 'session index', results)
    return { rows, last: rows[RANGE_ROWS - 1]?.sid ?? last }
  }

  /** The names of the objects that have sessions of a browser session or a consent. @throws StorageUnavailable, CorruptRecord */
  async findObjects(origin: SessionOrigin): Promise<string[]> {
    const { condition, ids } = originSql(origin)
    const results = await this.#all(
      `SELECT DISTINCT ${OBJECT} AS object FROM session_index WHERE ${condition}`,
      [ids],
    )
    return decodeRecord(objectsSchema, 'session index', results).map(({ object }) => object)
  }

  /** The objects with sessions of erased users, at most `limit`. @throws StorageUnavailable, CorruptRecord */
  async findErased({ erasures, without }: ErasedSearch, limit: number): Promise<ErasedPlace[]> {
    const sql = `SELECT DISTINCT ${OBJECT} AS object, subject, erasure.value ->> 'pseudonym' AS pseudonym FROM json_each(?1) AS erasure
      CROSS JOIN session_index ON subject = erasure.value ->> 'subject'
      WHERE ${OBJECT} NOT IN (SELECT value FROM json_each(?3)) LIMIT ?2`
    const values = [JSON.stringify(erasures), limit, JSON.stringify(without)]
    return decodeRecord(erasedSchema, 'session index', await this.#all(sql, values))
  }

  /** Replaces the ids of erased users in the rows of objects. @throws StorageUnavailable */
  async erase(places: readonly ErasedPlace[]): Promise<void> {
    const replace = this.#db
      .prepare(
        `UPDATE session_index SET subject = erased.value ->> 'pseudonym' FROM json_each(?1) AS erased
         WHERE subject = erased.value ->> 'subject' AND ${OBJECT} = erased.value ->> 'object'`,
      )
      .bind(JSON.stringify(places))
    await callStore('D1 session_index', () => replace.run())
  }

  async #all(sql: string, values: readonly (string | number | null)[]): Promise<unknown[]> {
    const select = this.#db.prepare(sql).bind(...values)
    return (await callStore('D1 session_index', () => select.all())).results
  }
}
