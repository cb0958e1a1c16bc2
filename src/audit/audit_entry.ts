import type { RequestContext } from '../lib/request_context.ts'
import type { AuditEvent } from './audit_event.ts'
import { type Counter, countersOf } from './event_counters.ts'

/** A row to write, and the counters that it increases. */
export interface AuditEntry {
  event: AuditEvent
  /** Unix seconds. */
  at: number
  addressPrefix: string | null
  device: string | null
  country: string | null
  /** The number of events that the row represents. */
  count: number
  counters: readonly Counter[]
}

export function entryOf(
  event: AuditEvent,
  { now, addressPrefix, device, country }: RequestContext,
): AuditEntry {
  return { event, at: now, addressPrefix, device, country, count: 1, counters: countersOf(event, now) }
}

/** The columns of `audit_events` that an insert fills. */
export const EVENT_COLUMNS = [
  'at',
  'kind',
  'outcome',
  'reason',
  'api',
  'client_id',
  'subject',
  'sid',
  'address_prefix',
  'actor',
  'actor_client',
  'change',
  'grant',
  'device',
  'country',
] as const

/** The row of an event, by column names. */
export type EventRow = Readonly<Record<(typeof EVENT_COLUMNS)[number], string | number | null>>

export function rowOf({ event, at, addressPrefix, device, country }: AuditEntry): EventRow {
  const { kind, outcome, reason, api, clientId, subject, sid, actor, change, grant } = event
  return {
    at,
    kind,
    outcome,
    reason,
    api,
    client_id: clientId,
    subject,
    sid,
    address_prefix: addressPrefix,
    actor: actor?.subject ?? null,
    actor_client: actor?.clientId ?? null,
    change: change === undefined ? null : JSON.stringify(change),
    grant: grant ?? null,
    device,
    country,
  }
}
