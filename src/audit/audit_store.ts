import { pause } from '../lib/pause.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { AuditBudget, isRepeatable, networkOf } from './audit_budget.ts'
import { type AuditEntry, columnsOf, entryOf } from './audit_entry.ts'
import type { AuditEvent } from './audit_event.ts'
import { COUNTERS, minuteOf } from './event_counters.ts'
import { EventSummaries } from './event_summaries.ts'

const INTO_EVENTS = `INSERT INTO audit_events
  (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix, actor, actor_client, change)`
const INSERT_EVENT = `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`

/** As many events as there are in a JSON array, each an array of its columns. */
const INSERT_EVENTS = `${INTO_EVENTS} SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9, value->>10, value->>11 FROM json_each(?)`

/** Adds to the counters of each minute in a JSON array: `[minute, ...COUNTERS]`. */
const ADD_COUNTS = `INSERT INTO audit_counters (minute, ${COUNTERS.join(', ')})
  SELECT value->>0, ${COUNTERS.map((_, i) => `value->>${i + 1}`).join(', ')} FROM json_each(?) WHERE true
  ON CONFLICT DO UPDATE SET ${COUNTERS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`

const IS_OF_SECURITY = `actor IS NULL AND kind IN ('theft', 'cut_off', 'lock')`
const IS_ORDINARY = `actor IS NULL AND kind NOT IN ('theft', 'cut_off', 'lock', 'key', 'admin')`

/** How long an isolate gathers events for one write: each write is a call, and D1 takes one at a time. */
const GATHER_MS = 200

/** After this time the isolate begins a new write: the runtime has ended the request that gathered events for the last one. */
const PATIENCE_SECONDS = 3

/** An entry, and the network whose budget at this location it uses; null where it uses none. */
interface Gathered {
  entry: AuditEntry
  network: string | null
}

/** Entries that go into one write. */
interface Gathering {
  /** Unix seconds. */
  since: number
  entries: Gathered[]
}

interface AuditOptions {
  /** The budget of each network at a Cloudflare location. Absent where there is none. */
  bursts?: Pick<BurstLimits, 'isWithin'>
  gatherMs?: number | undefined
}

/** The audit trail, in D1. */
export class AuditStore {
  readonly #db: D1Database
  readonly #bursts: AuditOptions['bursts']
  readonly #gatherMs: number
  readonly #budget = new AuditBudget()
  readonly #summaries = new EventSummaries()
  #gathering: Gathering | null = null

  constructor(db: D1Database, { bursts, gatherMs = GATHER_MS }: AuditOptions = {}) {
    this.#db = db
    this.#bursts = bursts
    this.#gatherMs = gatherMs
  }

  /**
   * Writes an event after the response is sent, in one call with the events of the next moment. An event that the same
   * caller can repeat uses a budget. Past it the event is only counted, and each minute one summary is written for each kind
   * and network. A write that fails is logged; no request fails for it.
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
    if (entries.length > 0) this.#gather(entries, context)
  }

  #gather(entries: Gathered[], context: RequestContext): void {
    if (this.#gathering !== null && context.now - this.#gathering.since <= PATIENCE_SECONDS) {
      this.#gathering.entries.push(...entries)
      return
    }
    const gathering = { since: context.now, entries }
    this.#gathering = gathering
    runLater(context, 'audit', () => this.#writeSoon(gathering))
  }

  async #writeSoon(gathering: Gathering): Promise<void> {
    await pause(this.#gatherMs)
    if (this.#gathering === gathering) this.#gathering = null
    const entries = await this.#withinLocation(gathering.entries)
    if (entries.length === 0) return
    const insert = this.#db.prepare(INSERT_EVENTS).bind(JSON.stringify(entries.map(columnsOf)))
    const count = this.#db.prepare(ADD_COUNTS).bind(JSON.stringify(countsOf(entries)))
    await callStore(`D1 audit_events (${entries.length})`, () => this.#db.batch([insert, count]))
  }

  /** Only counts the events of networks that have used up their budget at this location, over all isolates. */
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
    const [at, kind, outcome, reason, api, clientId, , ...rest] = columnsOf(entryOf(event, context))
    return this.#db
      .prepare(
        `${INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, value, ?, ?, ?, ?, ? FROM json_each(?)
         WHERE value IN (${selectIds})`,
      )
      .bind(at, kind, outcome, reason, api, clientId, ...rest, JSON.stringify(ids))
  }

  /**
   * Writes the event of a change in another database, unless an operator's event of that kind is there for the
   * session: the call may be repeated where a response got lost.
   *
   * @throws StorageUnavailable
   */
  async addOnceForSession(event: AuditEvent & { sid: string }, context: RequestContext): Promise<void> {
    const sql = `${INSERT_EVENT} WHERE NOT EXISTS
      (SELECT 1 FROM audit_events WHERE sid = ? AND kind = ? AND actor IS NOT NULL)`
    const insert = this.#db.prepare(sql).bind(...columnsOf(entryOf(event, context)), event.sid, event.kind)
    await callStore('D1 audit_events', () => insert.run())
  }

  #addition(sql: string, event: AuditEvent, context: RequestContext): D1PreparedStatement {
    return this.#db.prepare(sql).bind(...columnsOf(entryOf(event, context)))
  }

  /** Removes up to `limit` events from before a moment. Returns how many. @throws StorageUnavailable */
  async sweep(before: number, limit: number): Promise<number> {
    return this.#remove('at < ?1 ORDER BY at', before, limit)
  }

  /**
   * Removes up to `limit` of the oldest events if there are more than `maxEvents`. Thefts, cut-offs and locks stay until there
   * are twice as many events. Events of operators and of keys stay for all of `audit_retention_days`.
   *
   * @returns how many
   * @throws StorageUnavailable
   */
  async sweepBeyond(maxEvents: number, limit: number): Promise<number> {
    const isOlder = 'id <= (SELECT max(id) FROM audit_events)'
    const removed = await this.#remove(`${isOlder} - ?1 AND ${IS_ORDINARY} ORDER BY id`, maxEvents, limit)
    if (removed > 0) return removed
    return this.#remove(`${isOlder} - 2 * ?1 AND ${IS_OF_SECURITY} ORDER BY id`, maxEvents, limit)
  }

  async #remove(which: string, value: number, limit: number): Promise<number> {
    const remove = this.#db
      .prepare(`DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE ${which} LIMIT ?2)`)
      .bind(value, limit)
    const { meta } = await callStore('D1 audit_events', () => remove.run())
    return meta.changes
  }
}

/** A confidential client, and a caller without an address, have a budget in each isolate but none at the location. */
function countedNetwork({ isFromClient = false }: AuditEvent, context: RequestContext): string | null {
  return isFromClient || context.address === null ? null : networkOf(context)
}

/** What entries add to the counters of each minute, as `ADD_COUNTS` takes it. */
function countsOf(entries: readonly AuditEntry[]): number[][] {
  const minutes = new Map<number, Map<string, number>>()
  for (const { at, count, counters } of entries) {
    const counts = minutes.get(minuteOf(at)) ?? new Map<string, number>()
    minutes.set(minuteOf(at), counts)
    for (const counter of counters) counts.set(counter, (counts.get(counter) ?? 0) + count)
  }
  return [...minutes]
    .filter(([, counts]) => counts.size > 0)
    .map(([minute, counts]) => [minute, ...COUNTERS.map((counter) => counts.get(counter) ?? 0)])
}
