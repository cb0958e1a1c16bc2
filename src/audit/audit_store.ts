import type { RequestContext } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { type DeferredPart, DeferredWriteStore } from '../storage/deferred_write_store.ts'
import { AuditBudget, isRepeatable, networkOf } from './audit_budget.ts'
import { type AuditEntry, EVENT_COLUMNS, entryOf, rowOf } from './audit_entry.ts'
import type { AuditEvent } from './audit_event.ts'
import { isBatched } from './audit_message.ts'
import type { AuditQueue } from './audit_queue.ts'
import { addCountsSql, countsOf } from './event_counters.ts'
import { EventSummaries } from './event_summaries.ts'

/** Inserts events from a JSON array of rows. A statement can add a condition on `value`, the row. */
const INSERT_EVENTS = `INSERT INTO audit_events (${EVENT_COLUMNS.join(', ')})
  SELECT ${EVENT_COLUMNS.map((column) => `value ->> '${column}'`).join(', ')} FROM json_each(?)`

const ADD_COUNTS = addCountsSql()

export const IS_OF_SECURITY = `actor IS NULL AND kind IN ('theft', 'cut_off', 'lock')`
export const IS_ORDINARY = `actor IS NULL AND kind NOT IN ('theft', 'cut_off', 'lock', 'key', 'admin')`

interface Gathered {
  entry: AuditEntry
  /** The entry uses the budget of this network at this location. Null if it uses no budget. */
  network: string | null
}

interface AuditOptions {
  /** The budget of each network at a Cloudflare location. Absent if the Worker has no rate limit binding for it. */
  bursts?: Pick<BurstLimits, 'isWithin'>
  /** The writes of this isolate that share a call to D1. Absent: the events have calls of their own. */
  deferred?: DeferredWriteStore
  /** The queue to which the store sends most of the events. Absent if config.yml has no `audit_archive`: then all events are rows of `audit_events`. */
  queue?: AuditQueue | null
}

/** Writes the audit trail to D1. */
export class AuditStore {
  readonly #db: D1Database
  readonly #bursts: AuditOptions['bursts']
  readonly #deferred: DeferredWriteStore
  readonly #queue: AuditQueue | null
  readonly #budget = new AuditBudget()
  readonly #summaries = new EventSummaries()
  readonly #pending: Gathered[] = []

  constructor(
    db: D1Database,
    { bursts, deferred = new DeferredWriteStore(db), queue = null }: AuditOptions = {},
  ) {
    this.#db = db
    this.#bursts = bursts
    this.#deferred = deferred
    this.#queue = queue
    deferred.join({ take: (now) => this.#take(now) })
  }

  /**
   * Writes an event after the response is sent, in one call with other deferred writes (`DeferredWriteStore`). A repeatable event uses a
   * budget. Above the budget, the store only counts the event, and writes one summary per minute for each kind and network. A
   * failed write is logged and does not fail the request.
   */
  record(event: AuditEvent, context: RequestContext): void {
    const entry = entryOf(event, context)
    const entries: Gathered[] = []
    if (!isRepeatable(event)) entries.push({ entry, network: null })
    else if (this.#budget.take(event, context))
      entries.push({ entry, network: countedNetwork(event, context) })
    else this.#summaries.add(entry)
    for (const summary of this.#summaries.takeDue(context.now))
      entries.push({ entry: summary, network: null })
    if (entries.length === 0) return
    this.#pending.push(...entries)
    this.#deferred.schedule(context)
  }

  async #take(now: number): Promise<DeferredPart | null> {
    const all = await this.#withinLocation(this.#pending.splice(0))
    const entries = this.#queue === null ? all : all.filter((entry) => !isBatched(entry))
    await this.#queue?.send(all.filter(isBatched), now)
    if (entries.length === 0) return null
    const insert = this.#db.prepare(INSERT_EVENTS).bind(JSON.stringify(entries.map(rowOf)))
    const count = this.#db.prepare(ADD_COUNTS).bind(JSON.stringify(countsOf(entries)))
    return { what: `audit_events (${entries.length})`, statements: [insert, count] }
  }

  /** Applies the budget of each network, which all isolates of this location share. Above the budget, events are only counted. */
  async #withinLocation(gathered: readonly Gathered[]): Promise<AuditEntry[]> {
    const kept = await Promise.all(
      gathered.map(async ({ entry, network }) => {
        if (network === null || !this.#bursts) return [entry]
        if (await this.#bursts.isWithin('audit_events', network)) return [entry]
        this.#summaries.add(entry)
        return []
      }),
    )
    return kept.flat()
  }

  /** A statement that adds the event if the statement before it changed a row. Use both in one transaction. */
  additionIfChanged(event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#addition('changes() > 0', [event], context)
  }

  /** A statement that adds an event for each user that was added by the previous statement. Use both in one transaction. */
  additionsForUsers(ids: readonly string[], event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#addition("value ->> 'subject' IN (SELECT id FROM users)", eventsOf(ids, event), context)
  }

  /** A statement that adds an event for each user whose hash was replaced by the previous statement. Use both in one transaction. */
  additionsForReplacedHashes(
    ids: readonly string[],
    event: AuditEvent,
    context: RequestContext,
  ): D1PreparedStatement {
    const isReplaced = "value ->> 'subject' IN (SELECT id FROM users WHERE hash_replaceable = 1)"
    return this.#addition(isReplaced, eventsOf(ids, event), context)
  }

  /**
   * Writes the event of a change that was made in another database, unless the session already has an operator's event of this
   * kind, or an event of this kind with the same reason. So the caller can retry after a lost response.
   *
   * @throws StorageUnavailable
   */
  async addOnceForSession(event: AuditEvent & { sid: string }, context: RequestContext): Promise<void> {
    const isFirst = `NOT EXISTS (SELECT 1 FROM audit_events AS earlier
      WHERE earlier.sid = value ->> 'sid' AND earlier.kind = value ->> 'kind'
        AND (earlier.actor IS NOT NULL OR earlier.reason = value ->> 'reason'))`
    const insert = this.#addition(isFirst, [event], context)
    await callStore('D1 audit_events', () => insert.run())
  }

  /**
   * Writes the event of each session that a change ended.
   *
   * @param event The event without a session
   * @throws StorageUnavailable
   */
  async addForSessions(sids: readonly string[], event: AuditEvent, context: RequestContext): Promise<void> {
    if (sids.length === 0) return
    const insert = this.#addition(
      'true',
      sids.map((sid) => ({ ...event, sid })),
      context,
    )
    await callStore(`D1 audit_events (${sids.length})`, () => insert.run())
  }

  #addition(condition: string, events: readonly AuditEvent[], context: RequestContext): D1PreparedStatement {
    const rows = events.map((event) => rowOf(entryOf(event, context)))
    return this.#db.prepare(`${INSERT_EVENTS} WHERE ${condition}`).bind(JSON.stringify(rows))
  }

  /** Removes up to `limit` events before a time. @returns the number of removed events @throws StorageUnavailable */
  async sweep(before: number, limit: number): Promise<number> {
    return this.#remove('at < ?1 ORDER BY at', before, limit)
  }

  /**
   * Removes up to `limit` of the oldest events that are followed by at least `maxEvents` newer ones. Other calls remove a theft, a
   * revocation or a lock. Events of operators and keys stay for `audit_retention_days`.
   *
   * @param isOfSecurity Whether the call removes thefts, revocations and locks instead.
   * @returns the number of removed events
   * @throws StorageUnavailable
   */
  async sweepBeyond(maxEvents: number, limit: number, isOfSecurity = false): Promise<number> {
    const which = isOfSecurity ? IS_OF_SECURITY : IS_ORDINARY
    return this.#remove(
      `id <= (SELECT max(id) FROM audit_events) - ?1 AND ${which} ORDER BY id`,
      maxEvents,
      limit,
    )
  }

  async #remove(which: string, value: number, limit: number): Promise<number> {
    const remove = this.#db
      .prepare(`DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE ${which} LIMIT ?2)`)
      .bind(value, limit)
    const { meta } = await callStore('D1 audit_events', () => remove.run())
    return meta.changes
  }
}

/** The network that pays for an event with its budget; null for a confidential client, and for a caller without an address. */
function countedNetwork({ isFromClient = false }: AuditEvent, context: RequestContext): string | null {
  return isFromClient || context.address === null ? null : networkOf(context)
}

/** Copies an event for each user. */
function eventsOf(ids: readonly string[], event: AuditEvent): AuditEvent[] {
  return ids.map((subject) => ({ ...event, subject }))
}
