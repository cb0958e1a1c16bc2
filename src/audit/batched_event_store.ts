import * as z from 'zod/mini'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { decodeRecord } from '../lib/decode.ts'
import type { SqlPart } from '../lib/edit.ts'
import { MAX_COUNTED, type PageQuery, pageSql, type Total, toTotal } from '../lib/list_page.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'
import { EVENT_COLUMNS } from './audit_entry.ts'
import type { AuditFilter } from './audit_filter.ts'
import { partitionsOf, SLOT_SECONDS, slotOf } from './event_partition.ts'
import { comparePlaces, isFalling, placeOf } from './merge_events.ts'
import { decodeEvents, type StoredAuditEvent } from './stored_event.ts'

/** A list without a subject reads the batches of this time first, and more if the page is not full. */
const WINDOW_SECONDS = [3600, 8 * 3600]

/** The clocks of isolates differ by less. */
const CLOCK_MARGIN_SECONDS = 60

const LAST = Number.MAX_SAFE_INTEGER

const MEMBERS = ['id', ...EVENT_COLUMNS]
  .map((column) => `event.value ->> '${column}' AS ${column}`)
  .join(', ')

/** All partitions with a batch. One step of the index finds the next one. */
export const ALL_PARTITIONS = `
  WITH RECURSIVE found(n) AS (
    SELECT min(partition) FROM audit_batches
    UNION ALL
    SELECT (SELECT min(partition) FROM audit_batches WHERE partition > found.n) FROM found WHERE found.n IS NOT NULL)
  SELECT n FROM found WHERE n IS NOT NULL`

const SELECT_ORIGINS = `
  SELECT given.value ->> 'sid' AS sid, event.value ->> 'device' AS device, event.value ->> 'country' AS country
  FROM json_each(?) AS given
  CROSS JOIN audit_batches AS batch
    ON batch.partition = given.value ->> 'partition' AND batch.slot = given.value ->> 'slot'
  CROSS JOIN json_each(batch.events) AS event
  WHERE event.value ->> 'kind' = 'issue' AND event.value ->> 'sid' = given.value ->> 'sid'`

/** The batches that a query reads. Times are Unix seconds, inclusive. */
interface Reach {
  /** The subject of all events; null for any. */
  subject: string | null
  /** A value of each event; null for any. Batches without it are passed over. */
  value: string | null
  from: number
  to: number
}

/** A list of events. The SQL texts are constants of the code. */
export interface BatchedQuery {
  columns: string
  /** The filter selects the batches, and the conditions select their events. */
  filter: AuditFilter
  conditions: readonly Condition[]
  order: readonly string[]
  page: PageQuery
}

/** A session and the time of its sign-in, in Unix seconds. */
export interface StartedSession {
  sid: string
  subject: string
  startedAt: number
}

/** Reads the events of `audit_batches`. */
export class BatchedEventStore {
  readonly #databases: readonly D1Database[]
  readonly #clock: Pick<Clock, 'now'>
  readonly #hasMany: boolean

  /**
   * @param databases Each has a table of batches. A query reads all of them, because older events are where they were stored.
   * @param options.hasMany Whether the tables can be so large that a list reads a part of them first.
   */
  constructor(
    databases: readonly D1Database[],
    { clock = systemClock, hasMany = true }: { clock?: Pick<Clock, 'now'>; hasMany?: boolean } = {},
  ) {
    this.#databases = databases
    this.#clock = clock
    this.#hasMany = hasMany
  }

  /**
   * Reads the rows of a page, and one row more, in the direction of the page.
   *
   * @param isCounted Whether the list is counted too, in the time that was read.
   * @throws StorageUnavailable, CorruptRecord
   */
  async read(query: BatchedQuery, isCounted: boolean): Promise<{ rows: unknown[]; total: Total }> {
    const reaches = reachesOf(query, this.#clock.now())
    for (const { reach, isWhole } of this.#hasMany ? reaches : reaches.slice(-1)) {
      const parts = [selectOf(query, reach), ...(isCounted ? [countOf(query, reach)] : [])]
      const results = await this.#run(parts)
      const rows = inOrder(
        results.flatMap(([selected]) => selected ?? []),
        query,
      )
      if (rows.length <= query.page.limit && !isWhole) continue
      const counts = decodeRecord(
        z.array(countSchema),
        'count of events',
        results.flatMap(([, count]) => count ?? []),
      )
      const { total, isExact } = toTotal(counts.reduce((sum, count) => sum + count.total, 0))
      return { rows, total: { total, isExact: isExact && isWhole } }
    }
    return { rows: [], total: { total: 0, isExact: true } }
  }

  /**
   * The events of a session in a time, oldest first.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async listOfSession(
    { sid, subject, from, to }: { sid: string; subject: string; from: number; to: number },
    limit: number,
  ): Promise<StoredAuditEvent[]> {
    const events = eventsIn({ subject, value: sid, from: slotOf(from), to })
    const sql = `SELECT * FROM ${events.sql} WHERE sid = ? ORDER BY at, id LIMIT ?`
    const found = await this.#run([{ sql, values: [...events.values, sid, limit] }])
    return decodeEvents(found.flat(2))
      .sort((a, b) => comparePlaces(placeOf(a), placeOf(b)))
      .slice(0, limit)
  }

  /** The devices and countries of the sign-ins of sessions. @returns the raw rows @throws StorageUnavailable */
  async findOrigins(sessions: readonly StartedSession[]): Promise<unknown[]> {
    const given = sessions.flatMap(({ sid, subject, startedAt }) =>
      // The time of a token can be a little later than that of its event.
      [...new Set([slotOf(startedAt - CLOCK_MARGIN_SECONDS), slotOf(startedAt)])].flatMap((slot) =>
        partitionsOf(subject).map((partition) => ({ sid, partition, slot })),
      ),
    )
    return (await this.#run([{ sql: SELECT_ORIGINS, values: [JSON.stringify(given)] }])).flat(2)
  }

  /** Runs queries in each database. @returns the rows by database and query */
  #run(queries: readonly SqlPart[]): Promise<Row[][][]> {
    return Promise.all(
      this.#databases.map(async (db) => {
        const statements = queries.map(({ sql, values }) => db.prepare(sql).bind(...values))
        const results = await callStore(
          'D1 audit_batches',
          () => db.batch<Row>(statements),
          SEARCH_DEADLINE_MS,
        )
        return results.map((result) => result.results)
      }),
    )
  }
}

type Row = Readonly<Record<string, unknown>>

function selectOf({ columns, conditions, order, page }: BatchedQuery, reach: Reach): SqlPart {
  const events = eventsIn(reach)
  const { condition, end } = pageSql(order, page)
  const { sql, values } = where([...conditions, condition])
  return { sql: `SELECT ${columns} FROM ${events.sql} ${sql} ${end}`, values: [...events.values, ...values] }
}

function countOf({ conditions }: BatchedQuery, reach: Reach): SqlPart {
  const events = eventsIn(reach)
  const { sql, values } = where(conditions)
  const counted = `SELECT 1 FROM ${events.sql} ${sql} LIMIT ${MAX_COUNTED + 1}`
  return { sql: `SELECT count(*) AS total FROM (${counted})`, values: [...events.values, ...values] }
}

/** The rows of all databases in the direction of the page: its limit, and one row more. */
function inOrder(rows: readonly Row[], { order, page }: BatchedQuery): Row[] {
  const sign = isFalling(page) ? -1 : 1
  const compare = (a: Row, b: Row) =>
    order.map((column) => compareValues(a[column], b[column])).find((result) => result !== 0) ?? 0
  return [...rows].sort((a, b) => sign * compare(a, b)).slice(0, page.limit + 1)
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}

const countSchema = z.object({ total: z.int() })

/** The SQL of a table of events. */
function eventsIn({ subject, value, from, to }: Reach): SqlPart {
  const partitions = subject === null ? ALL_PARTITIONS : 'SELECT value AS n FROM json_each(?)'
  const sql = `(
    SELECT ${MEMBERS} FROM (${partitions}) AS part
    CROSS JOIN audit_batches AS batch ON batch.partition = part.n AND batch.slot BETWEEN ? AND ?
      ${value === null ? '' : 'AND instr(batch.events, ?)'}
    CROSS JOIN json_each(batch.events) AS event)`
  const ofSubject = subject === null ? [] : [JSON.stringify(partitionsOf(subject))]
  return { sql, values: [...ofSubject, from, to, ...(value === null ? [] : [JSON.stringify(value)])] }
}

/**
 * The batches of a page, read one after the other until the page is full. The events of each are nearer to the start of the page
 * than those that are left out.
 */
function reachesOf({ filter, page }: BatchedQuery, now: number): { reach: Reach; isWhole: boolean }[] {
  const { subject = null } = filter
  const value = filter.sid ?? subject ?? filter.clientId ?? null
  const [place] = page.from ?? []
  const start = place === undefined ? null : Number(place)
  const falling = isFalling(page)
  const from = Math.max(filter.from ?? 0, falling ? 0 : (start ?? 0))
  const to = Math.min(filter.to ?? LAST, falling ? (start ?? LAST) : LAST)
  const anchor = falling ? Math.min(to, now + CLOCK_MARGIN_SECONDS) : from
  const isWindowed = subject === null && (falling || from > 0)
  const whole = { reach: { subject, value, from: slotOf(from), to }, isWhole: true }
  if (!isWindowed) return [whole]
  const windows = WINDOW_SECONDS.map((seconds) => {
    const near = falling
      ? { from: Math.max(from, anchor - seconds), to }
      : { from, to: Math.min(to, slotOf(anchor + seconds) + SLOT_SECONDS - 1) }
    return { reach: { subject, value, from: slotOf(near.from), to: near.to }, isWhole: false }
  })
  return [...windows, whole]
}
