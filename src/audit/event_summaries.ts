import { compact } from '../lib/compact.ts'
import type { AuditEntry } from './audit_entry.ts'
import type { AuditEvent } from './audit_event.ts'

/** The time from the first counted event to the write of the summaries. */
export const SUMMARY_SECONDS = 60

/** The most summaries for each kind and network or client. Above it, events count only for their kind. */
const MAX_SUMMARIES = 50

/** Counts the events of an isolate that are above their budget. One summary row replaces many rows. */
export class EventSummaries {
  readonly #entries = new Map<string, AuditEntry>()
  #since: number | null = null

  add(entry: AuditEntry): void {
    this.#since ??= entry.at
    const summary = summaryOf(entry)
    const isKnown = this.#entries.has(keyOf(summary)) || this.#entries.size < MAX_SUMMARIES
    this.#count(isKnown ? summary : withoutCaller(summary))
  }

  /** Removes and returns the summaries that are due; empty until SUMMARY_SECONDS after the first event. */
  takeDue(now: number): AuditEntry[] {
    if (this.#since === null || now - this.#since < SUMMARY_SECONDS) return []
    const seconds = now - this.#since
    const entries = [...this.#entries.values()].map((entry) => finish(entry, { now, seconds }))
    this.#entries.clear()
    this.#since = null
    return entries
  }

  #count(summary: AuditEntry): void {
    const key = keyOf(summary)
    const known = this.#entries.get(key)
    this.#entries.set(key, known ? { ...known, count: known.count + summary.count } : summary)
  }
}

/** The members of an event in its summary: kind, outcome, grant, and network or client. */
function summaryOf(entry: AuditEntry): AuditEntry {
  const { kind, outcome, grant, api, clientId, isFromClient = false } = entry.event
  const caller = isFromClient ? { api, clientId } : { api: null, clientId: null }
  const event: AuditEvent = compact({ kind, outcome, reason: '', subject: null, sid: null, grant, ...caller })
  const addressPrefix = isFromClient ? null : entry.addressPrefix
  return { ...entry, event, addressPrefix, device: null, country: null }
}

function withoutCaller(entry: AuditEntry): AuditEntry {
  return { ...entry, event: { ...entry.event, api: null, clientId: null }, addressPrefix: null }
}

function keyOf({ event, addressPrefix, counters }: AuditEntry): string {
  return JSON.stringify([event.kind, event.outcome, event.grant, event.clientId, addressPrefix, counters])
}

function finish(entry: AuditEntry, { now, seconds }: { now: number; seconds: number }): AuditEntry {
  const reason = `${entry.count} more events in ${seconds} s, without rows of their own`
  return { ...entry, at: now, event: { ...entry.event, reason } }
}
