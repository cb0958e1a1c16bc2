import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { where } from '../lib/where.ts'
import { decodeSessionRow, type SessionRow } from './session.ts'

/** A session that has a row, and its owner. Times are Unix seconds. */
export interface StoredSession extends SessionRow {
  sid: string
  subject: string
  clientId: string
  api: string
}

/** The owner of the listed sessions. A null member matches any value. The list is empty if both are null. */
export interface SessionOwner {
  subject: string | null
  clientId: string | null
}

/** A position in the list, which starts with the newest session. */
export interface SessionPosition {
  /** Unix seconds. */
  startedAt: number
  sid: string
}

const ownerSchema = z.object({
  sid: z.string(),
  subject: z.string(),
  client_id: z.string(),
  api: z.string(),
})

/** Reads lists of sessions of one shard for operators. Only sessions with a row are listed. */
export class SessionListStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
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

  /** The sessions of an owner after a position, newest first. @throws StorageUnavailable, CorruptRecord */
  async list(
    { subject, clientId }: SessionOwner,
    after: SessionPosition | null,
    limit: number,
  ): Promise<StoredSession[]> {
    // Without an owner the condition would be empty and match every session.
    if (subject === null && clientId === null) return []
    const { sql, values } = where([
      ['subject = ?', subject],
      ['client_id = ?', clientId],
      ['(started_at, sid) < (?, ?)', after && [after.startedAt, after.sid]],
    ])
    const select = this.#db
      .prepare(`SELECT * FROM sessions ${sql} ORDER BY started_at DESC, sid DESC LIMIT ?`)
      .bind(...values, limit)
    return this.#all(select)
  }

  async #all(select: D1PreparedStatement): Promise<StoredSession[]> {
    const { results } = await callStore('D1 sessions', () => select.all())
    return results.map(decodeStoredSession)
  }
}

function decodeStoredSession(value: unknown): StoredSession {
  const { sid, subject, client_id: clientId, api } = decodeRecord(ownerSchema, 'session', value)
  return { sid, subject, clientId, api, ...decodeSessionRow(sid, value) }
}
