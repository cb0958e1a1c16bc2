import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type EventSources, sourcesIn } from './event_sources_store.ts'
import { mergeSlices } from './merge_events.ts'
import { decodeEvents, IS_RARE, type StoredAuditEvent } from './stored_event.ts'

/** A session and its owner. Times are Unix seconds. */
export interface SessionPeriod {
  sid: string
  subject: string
  clientId: string
  /** The first time at which a revocation of the user or client includes the session. */
  from: number
  /** When the session ended or expired; now if it is live. */
  to: number
}

/**
 * The condition of a revocation of a user or client. A revocation of a single session has a `sid`: it is only an event of that
 * session, although it also has the user and the client.
 */
const IS_OF_OWNER = `kind = 'cut_off' AND sid IS NULL`

/** The same, or a mail to the user. */
const CONCERNS_USER = `kind IN ('cut_off', 'notification') AND sid IS NULL`

/** Parameters: the session's sid, subject and client, its first and last second, and the limit. */
const SELECT_TIMELINE = `
  SELECT * FROM audit_events WHERE sid = ?1
  UNION
  SELECT * FROM audit_events WHERE subject = ?2 AND at BETWEEN ?4 AND ?5 AND ${CONCERNS_USER} AND ${IS_RARE}
  UNION
  SELECT * FROM audit_events
    WHERE client_id = ?3 AND subject IS NULL AND at BETWEEN ?4 AND ?5 AND ${IS_OF_OWNER} AND ${IS_RARE}
  ORDER BY at, id LIMIT ?6`

/**
 * Parameters: the sessions as JSON, and the first and the last second of all of them. The query reads the events of each user once,
 * and the revocations of all clients once. The plus sign keeps SQLite from the larger index of events by client.
 */
const SELECT_ENDS = `
  WITH wanted AS MATERIALIZED (
    SELECT value ->> 'sid' AS sid, value ->> 'subject' AS subject, value ->> 'clientId' AS client_id,
      value ->> 'from' AS since, value ->> 'to' AS until FROM json_each(?1)),
  revocations AS MATERIALIZED (
    SELECT event.id, event.at, event.subject, NULL AS client_id
      FROM (SELECT DISTINCT subject FROM wanted) AS owner CROSS JOIN audit_events AS event
      WHERE event.subject = owner.subject AND event.at BETWEEN ?2 AND ?3 AND ${IS_OF_OWNER}
    UNION ALL
    SELECT id, at, NULL, client_id FROM audit_events
      WHERE at BETWEEN ?2 AND ?3 AND ${IS_OF_OWNER} AND ${IS_RARE} AND subject IS NULL
        AND +client_id IN (SELECT client_id FROM wanted))
  SELECT wanted.sid AS ended_sid, event.* FROM wanted JOIN audit_events AS event ON event.id = (
    SELECT id FROM (
      SELECT id, at FROM audit_events
        WHERE sid = wanted.sid AND outcome = 'ok' AND kind IN ('cut_off', 'revoke', 'theft', 'merge')
      UNION ALL
      SELECT id, at FROM revocations
        WHERE (subject = wanted.subject OR client_id = wanted.client_id) AND at BETWEEN wanted.since AND wanted.until)
    ORDER BY at, id LIMIT 1)`

/** Parameters: the second of the event, and the beginning of its reason. */
const SELECT_KEY_EVENT = `
  SELECT * FROM audit_events WHERE kind = 'key' AND at = ?1 AND instr(reason, ?2) = 1 AND ${IS_RARE} LIMIT 1`

/** The order of a timeline. */
const OLDEST_FIRST = { sort: 'time', isDescending: false, from: null, isBackwards: false } as const

const endedSchema = z.array(z.object({ ended_sid: z.string() }))

/** Reads the events of sessions from the audit trail. */
export class SessionEventStore {
  readonly #db: D1Database
  readonly #sources: EventSources

  constructor(db: D1Database, sources = sourcesIn(db)) {
    this.#db = db
    this.#sources = sources
  }

  /**
   * The timeline of a session, oldest event first: its own events, each revocation of its user or client, and each mail to its
   * user.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async listTimeline(period: SessionPeriod, limit: number): Promise<StoredAuditEvent[]> {
    const { sid, subject, clientId, from, to } = period
    const select = this.#db.prepare(SELECT_TIMELINE).bind(sid, subject, clientId, from, to, limit)
    const page = { ...OLDEST_FIRST, limit }
    const [{ results }, batched, archived] = await Promise.all([
      callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS),
      this.#sources.batched.listOfSession(period, limit),
      this.#sources.archived.list({ filter: { subject, sid, from, to: to + 1 }, page, enough: null }),
    ])
    const slices = [decodeEvents(results), batched].map((rows) => ({ rows, hasMore: false }))
    return mergeSlices([...slices, archived], page).rows
  }

  /**
   * The event of a change of a signing key; null without one.
   *
   * @param change The second of the change, and the beginning of its reason
   * @throws StorageUnavailable, CorruptRecord
   */
  async findKeyEvent({ at, reason }: { at: number; reason: string }): Promise<StoredAuditEvent | null> {
    const select = this.#db.prepare(SELECT_KEY_EVENT).bind(at, reason)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeEvents(results)[0] ?? null
  }

  /**
   * The event that ended each session: the first own event that ends a session, or the first revocation of its user or client.
   *
   * @returns the events by the ids of the sessions, without the sessions that have no such event
   * @throws StorageUnavailable, CorruptRecord
   */
  async findEnds(sessions: readonly SessionPeriod[]): Promise<ReadonlyMap<string, StoredAuditEvent>> {
    if (sessions.length === 0) return new Map()
    const from = sessions.reduce((least, session) => Math.min(least, session.from), Infinity)
    const to = sessions.reduce((most, session) => Math.max(most, session.to), 0)
    const select = this.#db.prepare(SELECT_ENDS).bind(JSON.stringify(sessions), from, to)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    const sids = decodeRecord(endedSchema, 'audit events', results).map(({ ended_sid: sid }) => sid)
    const events = decodeEvents(results)
    return new Map(sids.flatMap((sid, i) => (events[i] === undefined ? [] : [[sid, events[i]]])))
  }
}
