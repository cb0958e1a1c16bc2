import { callStore } from '../lib/storage_error.ts'

const PSEUDONYM_OF = (column: string) =>
  `(SELECT pseudonym FROM erasures WHERE erasures.subject = audit_events.${column})`

/** The events of sign-ins by which guests became erased users. Parameter: the limit. */
const MERGES = `SELECT event.id FROM erasures CROSS JOIN audit_events AS event
  ON event.kind = 'merge' AND event.reason = 'merged into ' || erasures.subject ORDER BY event.id LIMIT ?`

/** Lists the guests of these events as erased. */
const ADD_GUESTS = `
  INSERT OR IGNORE INTO erasures (subject, pseudonym, expires_at)
  SELECT event.subject, 'visitor:erased-' || lower(hex(randomblob(16))), erasures.expires_at
  FROM audit_events AS event JOIN erasures ON event.reason = 'merged into ' || erasures.subject
  WHERE event.id IN (${MERGES}) AND event.subject GLOB 'visitor:?*'`

const ERASE_MERGES = `
  UPDATE audit_events SET reason = 'merged into ' ||
    (SELECT pseudonym FROM erasures WHERE subject = substr(reason, length('merged into ') + 1))
  WHERE id IN (${MERGES})`

/** An event of an operator has the address of the operator, which stays. */
const UNLESS_BY_OPERATOR = (column: string) =>
  `${column} = iif(actor IS NULL OR actor = subject, NULL, ${column})`

const ERASE_SUBJECTS = `
  UPDATE audit_events SET
    subject = ${PSEUDONYM_OF('subject')},
    ${['address_prefix', 'device', 'country'].map(UNLESS_BY_OPERATOR).join(', ')},
    change = iif(change IS NULL, NULL, json_object('operation', change ->> 'operation'))
  WHERE id IN (SELECT event.id FROM erasures CROSS JOIN audit_events AS event
    ON event.subject = erasures.subject LIMIT ?)`

const ERASE_ACTORS = `
  UPDATE audit_events SET
    actor = ${PSEUDONYM_OF('actor')}, address_prefix = NULL, device = NULL, country = NULL
  WHERE id IN (SELECT event.id FROM erasures CROSS JOIN audit_events AS event
    ON event.actor = erasures.subject AND event.actor IS NOT NULL LIMIT ?)`

/** Removes the personal data of erased users from the audit trail, in D1. No event is removed. */
export class AuditErasureStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Replaces the ids of erased users in up to `limit` events of guests who became these users, and lists the guests as erased.
   *
   * @returns the number of changed events
   * @throws StorageUnavailable
   */
  async eraseMerges(limit: number): Promise<number> {
    const statements = [ADD_GUESTS, ERASE_MERGES].map((sql) => this.#db.prepare(sql).bind(limit))
    const results = await callStore('D1 audit_events', () => this.#db.batch(statements))
    return results.at(-1)?.meta.changes ?? 0
  }

  /** Erases up to `limit` events about erased users and guests. @returns how many @throws StorageUnavailable */
  eraseSubjects(limit: number): Promise<number> {
    return this.#run(ERASE_SUBJECTS, limit)
  }

  /** Erases the operator of up to `limit` events. @returns how many @throws StorageUnavailable */
  eraseActors(limit: number): Promise<number> {
    return this.#run(ERASE_ACTORS, limit)
  }

  async #run(sql: string, limit: number): Promise<number> {
    const statement = this.#db.prepare(sql).bind(limit)
    const { meta } = await callStore('D1 audit_events', () => statement.run())
    return meta.changes
  }
}
