import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { AuditEvent } from './audit_event.ts'

/** The audit trail, in D1. */
export class AuditStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Writes an event after the answer is sent. A write that fails is logged and costs nobody an answer. */
  record(event: AuditEvent, context: RequestContext): void {
    runLater(context, `audit ${event.kind}`, () => this.#insert(event, context).run())
  }

  #insert(event: AuditEvent, { now, addressPrefix }: RequestContext): D1PreparedStatement {
    const { kind, outcome, reason, api, clientId, subject, sid } = event
    return this.#db
      .prepare(
        `INSERT INTO audit_events (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(now, kind, outcome, reason, api, clientId, subject, sid, addressPrefix)
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
