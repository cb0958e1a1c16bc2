import { compact } from '../lib/compact.ts'
import type { AuditEntry } from './audit_entry.ts'
import type { AuditEvent } from './audit_event.ts'

/** How long events are counted before their summaries are written. */
export const SUMMARY_SECONDS = 60

/** The most summaries by kind and network or client. Further events are counted by their kind alone. */
const MAX_SUMMARIES = 50

/** Counts the events of an isolate that are past their budget: one row for many. */
export class EventSummaries {
  readonly #entries = new Map<string, AuditEntry>()
  #since: number | null = null

  /** Counts an event in place of writing it. */
  add(entry: AuditEntry): void {
    this.#since ??= entry.at
    const summary = summaryOf(entry)
    const isKnown = this.#entries.has(keyOf(summary)) || this.#entries.size < MAX_SUMMARIES
    this.#count(isKnown ? summary : withoutCaller(summary))
  }

  /** The summaries that are due, each once; none until a minute has passed since the first event. */
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

/** The part of an event that its summary has: its kind, its grant, and its network or client. */
function summaryOf(entry: AuditEntry): AuditEntry {
  const { kind, outcome, grant, api, clientId, isFromClient = false } = entry.event
  const caller = isFromClient ? { api, clientId } : { api: null, clientId: null }
  const event: AuditEvent = compact({ kind, outcome, reason: '', subject: null, sid: null, grant, ...caller })
  return { ...entry, event, addressPrefix: isFromClient ? null : entry.addressPrefix }
}

function withoutCaller(entry: AuditEntry): AuditEntry {
  return { ...entry, event: { ...entry.event, api: null, clientId: null }, addressPrefix: null }
}

function keyOf({ event, addressPrefix, counters }: AuditEntry): string {
  return JSON.stringify([event.kind, event.outcome, event.grant, event.clientId, addressPrefix, counters])
}

function finish(entry: AuditEntry, { now, seconds }: { now: number; seconds: number }): AuditEntry {
  const reason = `${entry.count} more in ${seconds} s, counted without a row for each`
  return { ...entry, at: now, event: { ...entry.event, reason } }
}
