import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { type PageQuery, pageSql } from '../lib/list_page.ts'
import { callStore } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'
import type { SqlDatabase, SqlStatement } from '../storage/sql_database.ts'
import { decodeSessionRow, type SessionRow } from './session.ts'

/** A session that has a row, and its owner. Times are Unix seconds. */
export interface StoredSession extends SessionRow {
  sid: string
  subject: string
  clientId: string
  api: string
  /** The browser session in which the session began; null for another way to sign in. */
  browserId: string | null
}

/** The owner of the listed sessions. A null member matches any value. The list is empty if both are null. */
export interface SessionOwner {
  subject: string | null
  clientId: string | null
  /** An API whose sessions are left out. */
  hiddenApi?: string | null
}

const ownerSchema = z.object({
  sid: z.string(),
  subject: z.string(),
  client_id: z.string(),
  api: z.string(),
  browser_id: z.nullable(z.string()),
})

const sidsSchema = z.array(z.object({ sid: z.string() }))

/** Reads lists of sessions of one shard or object for operators. Only sessions with a row are listed. */
export class SessionListStore {
  readonly #db: SqlDatabase

  constructor(db: SqlDatabase) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async find(sid: string): Promise<StoredSession | null> {
    return (await this.findMany([sid]))[0] ?? null
  }

  /** The sessions with these ids. The result omits sessions without a row. @throws StorageUnavailable, CorruptRecord */
  async findMany(sids: readonly string[]): Promise<StoredSession[]> {
    if (sids.length === 0) return []
    const select = this.#db
      .prepare('SELECT * FROM sessions WHERE sid IN (SELECT value FROM json_each(?))')
      .bind(JSON.stringify(sids))
    return this.#all(select)
  }

  /**
   * The sessions of an owner in the reading direction of a page, and one more than its limit.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(owner: SessionOwner, page: PageQuery): Promise<StoredSession[]> {
    if (!hasOwner(owner)) return []
    const { condition, end } = pageSql(['started_at', 'sid'], page)
    const { sql, values } = where([...ownerConditions(owner), condition])
    return this.#all(this.#db.prepare(`SELECT * FROM sessions ${sql} ${end}`).bind(...values))
  }

  /** The sids of up to `limit` sessions of an owner. @throws StorageUnavailable, CorruptRecord */
  async listSids(owner: SessionOwner, limit: number): Promise<string[]> {
    if (!hasOwner(owner)) return []
    const { sql, values } = where(ownerConditions(owner))
    const select = this.#db.prepare(`SELECT sid FROM sessions ${sql} LIMIT ?`).bind(...values, limit)
    const { results } = await callStore('D1 sessions', () => select.all())
    return decodeRecord(sidsSchema, 'sessions', results).map(({ sid }) => sid)
  }

  async #all(select: SqlStatement): Promise<StoredSession[]> {
    const { results } = await callStore('D1 sessions', () => select.all())
    return results.map(decodeStoredSession)
  }
}

function decodeStoredSession(value: unknown): StoredSession {
  const row = decodeRecord(ownerSchema, 'session', value)
  const { sid, subject, client_id: clientId, api, browser_id: browserId } = row
  return { sid, subject, clientId, api, browserId, ...decodeSessionRow(sid, value) }
}

/** Without an owner the conditions would be empty and match every session. */
export function hasOwner({ subject, clientId }: SessionOwner): boolean {
  return subject !== null || clientId !== null
}

/**
 * The conditions on the columns `subject`, `client_id` and `api`. With a subject, the unary plus excludes the index of the clients: a
 * client has many more sessions.
 */
export function ownerConditions({ subject, clientId, hiddenApi }: SessionOwner): Condition[] {
  return [
    ['subject = ?', subject],
    [subject === null ? 'client_id = ?' : '+client_id = ?', clientId],
    ['api <> ?', hiddenApi],
  ]
}
