import * as z from 'zod/mini'
import { EVENT_COLUMNS } from '../audit/audit_entry.ts'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { callStore, StorageUnavailable } from '../lib/storage_error.ts'
import { removalsOfLeft } from './erasure_store.ts'
import { databaseNameOf } from './user_databases_store.ts'

/** The most events that one call moves. D1 allows 100 KB for a statement and 2 MB for a value. */
const MOVED_AT_ONCE = 500

/** The most statements of one move. */
export const MOVE_STATEMENTS = 10

/** The statements of a move that finds no row. */
export const EMPTY_MOVE_STATEMENTS = 2

/** With each event: its subject, if that is no user of this database any more; null otherwise. */
const SELECT_EVENTS = `SELECT id, json_object(${EVENT_COLUMNS.map((name) => `'${name}', "${name}"`).join(', ')}) AS event,
    CASE WHEN NOT EXISTS (SELECT 1 FROM users WHERE users.id = subject) THEN subject END AS deleted
  FROM audit_events ORDER BY id LIMIT ?`

/** Adds each event once, also if two isolates move the same events. */
const ADD_EVENTS = `
  INSERT INTO audit_events (${EVENT_COLUMNS.map((name) => `"${name}"`).join(', ')})
  SELECT ${EVENT_COLUMNS.map((name) => `value ->> 'event' ->> '${name}'`).join(', ')} FROM json_each(?1)
  WHERE value ->> 'id' > coalesce((SELECT event_id FROM moved_events WHERE database = ?2), 0) ORDER BY value ->> 'id'`
const MARK_EVENTS = `
  INSERT INTO moved_events (database, event_id) VALUES (?1, ?2)
  ON CONFLICT DO UPDATE SET event_id = max(event_id, excluded.event_id)`
const ADD_ERASURES = `
  INSERT INTO erasures (subject, pseudonym, expires_at)
  SELECT value ->> 'subject', value ->> 'pseudonym', value ->> 'expires_at' FROM json_each(?) WHERE TRUE
  ON CONFLICT DO NOTHING`

/** The rows of deleted users in the main database, in the log. */
export const LEFT_ROWS = 'consents and browser sessions (deleted users)'

/** A page of the deleted users of a database. The newest deletion comes first. */
export interface DeletedPage {
  /** Only deletions of the last `recentSeconds` seconds. */
  recentSeconds: number
  /** The lowest number of the deletions of the pages before. */
  before: number
}

/** The last change of a deleted user is the deletion. */
const SELECT_DELETED = `SELECT seq, name AS subject FROM user_changes
  WHERE seq < ?1 AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = name) AND seq > coalesce(
    (SELECT seq FROM user_changes WHERE at <= unixepoch() - ?3 ORDER BY seq DESC LIMIT 1), 0)
  ORDER BY seq DESC LIMIT ?2`

const SELECT_MISSING = `SELECT value AS subject FROM json_each(?)
  WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = value)`

const deletedSchema = z.array(z.object({ seq: z.int(), subject: z.string() }))
const missingSchema = z.array(z.object({ subject: z.string() }))
const eventsSchema = z.array(z.object({ id: z.int(), event: z.string(), deleted: z.nullable(z.string()) }))
const erasuresSchema = z.array(z.object({ subject: z.string(), pseudonym: z.string(), expires_at: z.int() }))

/**
 * Moves the audit events and the erasures that changes of users have written in a further database to the main database, where all
 * readers find them. It also removes the rows of deleted users from the main database. Each step can be repeated: no row is lost, and no event is added twice.
 */
export class UserOutboxStore {
  readonly #home: D1Database
  readonly #name: string
  readonly #db: D1Database

  /** @param database The further database, and its name. */
  constructor(home: D1Database, { name, db }: { name: string; db: D1Database }) {
    this.#home = home
    this.#name = name
    this.#db = db
  }

  /** Moves the oldest rows. @returns how many @throws StorageUnavailable, CorruptRecord */
  async move(): Promise<number> {
    const db = this.#db
    const [foundEvents, foundErasures] = await callStore('D1 outbox', () =>
      db.batch([
        db.prepare(SELECT_EVENTS).bind(MOVED_AT_ONCE),
        db.prepare('SELECT subject, pseudonym, expires_at FROM erasures LIMIT ?').bind(MOVED_AT_ONCE),
      ]),
    )
    const events = decodeRecord(eventsSchema, 'audit events', foundEvents?.results)
    const erasures = decodeRecord(erasuresSchema, 'erasures', foundErasures?.results)
    const moved = events.length + erasures.length
    if (moved === 0) return 0
    const erased = erasures.map(({ subject }) => subject)
    const deleted = events.map(({ deleted: subject }) => subject)
    const lastId = events.at(-1)?.id ?? 0
    const home = this.#home
    const rows = `[${events.map(({ id, event }) => `{"id":${id},"event":${event}}`).join(',')}]`
    await callStore('D1 outbox', () =>
      home.batch([
        home.prepare(ADD_ERASURES).bind(JSON.stringify(erasures)),
        ...removalsOfLeft(home, this.#own([...erased, ...deleted])),
        home.prepare(ADD_EVENTS).bind(rows, this.#name),
        home.prepare(MARK_EVENTS).bind(this.#name, lastId),
      ]),
    )
    await callStore('D1 outbox', () =>
      db.batch([
        db.prepare('DELETE FROM audit_events WHERE id <= ?').bind(lastId),
        db
          .prepare('DELETE FROM erasures WHERE subject IN (SELECT value FROM json_each(?))')
          .bind(JSON.stringify(erased)),
      ]),
    )
    return moved
  }

  /**
   * Removes the rows of up to `limit` recently deleted users that a request in progress has written after the move of the deletion.
   *
   * @param page The call changes its `before`.
   * @returns the number of these users
   * @throws StorageUnavailable, CorruptRecord
   */
  async removeLeft(page: DeletedPage, limit: number): Promise<number> {
    const select = this.#db.prepare(SELECT_DELETED).bind(page.before, limit, page.recentSeconds)
    const { results } = await callStore('D1 outbox', () => select.all())
    const found = decodeRecord(deletedSchema, 'deleted users', results)
    await this.#removeRows(found.map(({ subject }) => subject))
    page.before = found.at(-1)?.seq ?? page.before
    return found.length
  }

  /**
   * Removes the rows of those of the subjects who are deleted users of this database.
   *
   * @returns the subjects who can still have rows, because the database does not respond
   * @throws CorruptRecord
   */
  async removeIfDeleted(subjects: readonly string[]): Promise<string[]> {
    const own = this.#own(subjects)
    if (own.length === 0) return []
    const select = this.#db.prepare(SELECT_MISSING).bind(JSON.stringify(own))
    try {
      const { results } = await callStore('D1 outbox', () => select.all())
      const missing = decodeRecord(missingSchema, 'deleted users', results)
      await this.#removeRows(missing.map(({ subject }) => subject))
      return []
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error
      log('error', 'sweep_failed', { table: LEFT_ROWS, removed: 0, cause: describeError(error) })
      return own
    }
  }

  async #removeRows(subjects: readonly string[]): Promise<void> {
    const own = this.#own(subjects)
    if (own.length > 0) await callStore('D1 outbox', () => this.#home.batch(removalsOfLeft(this.#home, own)))
  }

  /** The ids of users of this database. */
  #own(ids: readonly (string | null)[]): string[] {
    return ids.filter((id) => id !== null).filter((id) => databaseNameOf(id) === this.#name)
  }
}
