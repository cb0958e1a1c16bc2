import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { AuditEvent } from './audit_event.ts'

const INTO_EVENTS = `INSERT INTO audit_events
  (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix, actor, actor_client, change)`
const INSERT_EVENT = `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`

/** The audit trail, in D1. */
export class AuditStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Writes an event after the answer is sent. A write that fails is logged and costs nobody an answer. */
  record(event: AuditEvent, context: RequestContext): void {
    runLater(context, `audit ${event.kind}`, () => this.#addition(INSERT_EVENT, event, context).run())
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
    const [at, kind, outcome, reason, api, clientId, , ...rest] = columnsOf(event, context)
    return this.#db
      .prepare(
        `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, value, ?, ?, ?, ?, ? FROM json_each(?)
         WHERE value IN (SELECT id FROM users)`,
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
