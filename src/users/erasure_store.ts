import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { UserDatabases } from './user_databases_store.ts'

/** An erased user or guest, and the random text that replaces the id. */
export interface Erasure {
  subject: string
  pseudonym: string
}

export interface NewErasure extends Erasure {
  /** When the last token of the subject has expired and no event of the subject is in the queue, in Unix seconds. */
  expiresAt: number
}

const erasuresSchema = z.array(z.object({ subject: z.string(), pseudonym: z.string(), expiresAt: z.int() }))

const ADD_DELETED = `
  INSERT INTO erasures (subject, pseudonym, expires_at) SELECT ?1, ?2, ?3
  WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = ?1) AND (
    EXISTS (SELECT 1 FROM audit_events WHERE subject = ?1) OR
    EXISTS (SELECT 1 FROM audit_events WHERE actor = ?1 AND actor IS NOT NULL))
  ON CONFLICT DO NOTHING`

/** The tables of the main database whose rows go with their user. A user of the main database loses them by triggers. */
const TABLES_OF_USERS = ['known_origins', 'consents', 'ended_browser_sessions'] as const

/** The statements that remove the rows of deleted users of further databases from the main database. */
export function removalsOfLeft(home: D1Database, ids: readonly string[]): D1PreparedStatement[] {
  return TABLES_OF_USERS.map((table) =>
    home
      .prepare(
        `DELETE FROM ${table} WHERE subject IN (SELECT value FROM json_each(?))
           AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = ${table}.subject)`,
      )
      .bind(JSON.stringify(ids)),
  )
}

/** A new pseudonym of a user. The server keeps no link to the user after the erasure. */
export function makePseudonym(): string {
  return `user:erased-${randomId(16)}`
}

/** Lists erased users in D1, until `expiresAt` of each. */
export class ErasureStore {
  readonly #databases: UserDatabases
  readonly #db: D1Database

  constructor(databases: UserDatabases) {
    this.#databases = databases
    this.#db = databases.home
  }

  /** A statement that lists an erasure if the statement before it changed a row. Use both in one transaction. */
  additionIfChanged({ subject, pseudonym, expiresAt }: NewErasure): D1PreparedStatement {
    return this.#db
      .prepare(
        'INSERT INTO erasures (subject, pseudonym, expires_at) SELECT ?, ?, ? WHERE changes() > 0 ON CONFLICT DO NOTHING',
      )
      .bind(subject, pseudonym, expiresAt)
  }

  /**
   * Lists the erasure of a deleted user, with further statements in one transaction. It removes the other rows of the user that are left in the main database.
   *
   * @returns false if the user exists, if the audit trail has no event of the user, or if the erasure is already listed
   * @throws StorageUnavailable
   */
  async addDeleted(
    { subject, pseudonym, expiresAt }: NewErasure,
    alongside: readonly D1PreparedStatement[],
  ): Promise<boolean> {
    const db = this.#databases.of(subject)
    if (db !== this.#db && (await this.#exists(db, subject))) return false
    const add = this.#db.prepare(ADD_DELETED).bind(subject, pseudonym, expiresAt)
    const removals = removalsOfLeft(this.#db, [subject])
    const [added] = await callStore('D1 erasures', () => this.#db.batch([add, ...alongside, ...removals]))
    return (added?.meta.changes ?? 0) > 0
  }

  /** An id is never given to another user, so a deleted user stays deleted. */
  async #exists(db: D1Database, subject: string): Promise<boolean> {
    const select = db.prepare('SELECT 1 FROM users WHERE id = ?').bind(subject)
    return (await callStore('D1 users', () => select.first())) !== null
  }

  /**
   * Up to `limit` erasures, those that expire last first.
   *
   * @param before The last erasure of the page before; null for the first page.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(before: NewErasure | null, limit: number): Promise<NewErasure[]> {
    const select = this.#db
      .prepare(
        `SELECT subject, pseudonym, expires_at AS expiresAt FROM erasures WHERE (expires_at, subject) < (?, ?)
         ORDER BY expires_at DESC, subject DESC LIMIT ?`,
      )
      .bind(before?.expiresAt ?? Number.MAX_SAFE_INTEGER, before?.subject ?? '', limit)
    const { results } = await callStore('D1 erasures', () => select.all())
    return decodeRecord(erasuresSchema, 'erasures', results)
  }

  /** Removes up to `limit` erasures past `expiresAt`. @returns how many @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        'DELETE FROM erasures WHERE subject IN (SELECT subject FROM erasures WHERE expires_at <= ? AND archive_from IS NULL LIMIT ?)',
      )
      .bind(now, limit)
    const { meta } = await callStore('D1 erasures', () => sweep.run())
    return meta.changes
  }
}
