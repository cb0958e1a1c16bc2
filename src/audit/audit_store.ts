import { pause } from '../lib/pause.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { AuditEvent } from './audit_event.ts'

const INTO_EVENTS = `INSERT INTO audit_events
  (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix, actor, actor_client, change)`
const INSERT_EVENT = `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`

/** As many events as there are in a JSON array, each an array of its columns. */
const INSERT_EVENTS = `${INTO_EVENTS} SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9, value->>10, value->>11 FROM json_each(?)`

/** How long an isolate gathers events for one write: each write is a call, and D1 takes one at a time. */
const GATHER_MS = 200

/** Longer than that nobody gathers: the request that did was ended by the runtime. */
const PATIENCE_SECONDS = 3

/** Events that go into one write. */
interface Gathering {
  /** Unix seconds. */
  since: number
  events: unknown[][]
}

/** The audit trail, in D1. */
export class AuditStore {
  readonly #db: D1Database
  readonly #gatherMs: number
  #gathering: Gathering | null = null

  constructor(db: D1Database, gatherMs = GATHER_MS) {
    this.#db = db
    this.#gatherMs = gatherMs
  }

  /**
   * Writes an event after the answer is sent, together with those that come a moment later. A write that fails is logged
   * and costs nobody an answer.
   */
  record(event: AuditEvent, context: RequestContext): void {
    const columns = columnsOf(event, context)
    if (this.#gathering !== null && context.now - this.#gathering.since <= PATIENCE_SECONDS) {
      this.#gathering.events.push(columns)
      return
    }
    const gathering = { since: context.now, events: [columns] }
    this.#gathering = gathering
    runLater(context, 'audit', () => this.#writeSoon(gathering))
  }

  async #writeSoon(gathering: Gathering): Promise<void> {
    await pause(this.#gatherMs)
    if (this.#gathering === gathering) this.#gathering = null
    const { events } = gathering
    const insert = this.#db.prepare(INSERT_EVENTS).bind(JSON.stringify(events))
    await callStore(`D1 audit_events (${events.length})`, () => insert.run())
  }

  /**
   * An event of a change that the statement before it makes, in the same transaction: there is the one where there is
   * the other.
   */
  additionIfChanged(event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#addition(`${INSERT_EVENT} WHERE changes() > 0`, event, context)
  }

  /** An event for each of the people whom the statement before it has added, in the same transaction. */
  additionsForUsers(ids: readonly string[], event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#additionsFor('SELECT id FROM users', { ids, event, context })
  }

  /** An event for each of the users whose hash the statement before it has replaced, in the same transaction. */
  additionsForReplacedHashes(
    ids: readonly string[],
    event: AuditEvent,
    context: RequestContext,
  ): D1PreparedStatement {
    return this.#additionsFor('SELECT id FROM users WHERE hash_replaceable = 1', { ids, event, context })
  }

  #additionsFor(
    selectIds: string,
    { ids, event, context }: { ids: readonly string[]; event: AuditEvent; context: RequestContext },
  ): D1PreparedStatement {
    const [at, kind, outcome, reason, api, clientId, , ...rest] = columnsOf(event, context)
    return this.#db
      .prepare(
        `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, value, ?, ?, ?, ?, ? FROM json_each(?)
         WHERE value IN (${selectIds})`,
      )
      .bind(at, kind, outcome, reason, api, clientId, ...rest, JSON.stringify(ids))
  }

  /**
   * Writes the event of a change in another database, unless an operator's event of that kind is there for the
   * session: the call may be repeated where an answer got lost.
   *
   * @throws StorageUnavailable
   */
  async addOnceForSession(event: AuditEvent & { sid: string }, context: RequestContext): Promise<void> {
    const sql = `${INSERT_EVENT} WHERE NOT EXISTS
      (SELECT 1 FROM audit_events WHERE sid = ? AND kind = ? AND actor IS NOT NULL)`
    const insert = this.#db.prepare(sql).bind(...columnsOf(event, context), event.sid, event.kind)
    await callStore('D1 audit_events', () => insert.run())
  }

  #addition(sql: string, event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#db.prepare(sql).bind(...columnsOf(event, context))
  }

  /** Removes up to `limit` events from before a moment. Returns how many. @throws StorageUnavailable */
  async sweep(before: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare('DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < ? LIMIT ?)')
      .bind(before, limit)
    const { meta } = await callStore('D1 audit_events', () => sweep.run())
    return meta.changes
  }
}

function columnsOf(event: AuditEvent, { now, addressPrefix }: RequestContext): unknown[] {
  const { kind, outcome, reason, api, clientId, subject, sid, actor, change } = event
  return [
    ...[now, kind, outcome, reason, api, clientId, subject, sid, addressPrefix],
    ...[
      actor?.subject ?? null,
      actor?.clientId ?? null,
      change === undefined ? null : JSON.stringify(change),
    ],
  ]
}
