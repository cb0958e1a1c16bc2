import type { RequestContext } from '../lib/request_context.ts'
import type { AuditEvent } from './audit_event.ts'
import { type Counter, countersOf } from './event_counters.ts'

/** One row to be written, and the values that it adds to the counters. */
export interface AuditEntry {
  event: AuditEvent
  /** Unix seconds. */
  at: number
  addressPrefix: string | null
  /** How many events the row stands for. */
  count: number
  counters: readonly Counter[]
}

export function entryOf(event: AuditEvent, { now, addressPrefix }: RequestContext): AuditEntry {
  return { event, at: now, addressPrefix, count: 1, counters: countersOf(event, now) }
}

/** The values of the columns of `audit_events`, in the order of its inserts. */
export function columnsOf({ event, at, addressPrefix }: AuditEntry): unknown[] {
  const { kind, outcome, reason, api, clientId, subject, sid, actor, change } = event
  return [
    ...[at, kind, outcome, reason, api, clientId, subject, sid, addressPrefix],
    ...[
      actor?.subject ?? null,
      actor?.clientId ?? null,
      change === undefined ? null : JSON.stringify(change),
    ],
  ]
}
