import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { countReturningSessions, type IdleCount } from './active_sessions.ts'

/** The counts of events in a time span. */
export interface EventCounts {
  /** Tokens by the grant that issued them. A refresh and its retries each count as a token. */
  tokens: ReadonlyMap<string, number>
  /** Refused sign-ins and refreshes. */
  failures: number
  /** Passwords that are in a known breach. */
  breachedPasswords: number
  /** Passwords without a result, because the check against known breaches failed. */
  uncheckedPasswords: number
  /** Sessions that got a token by a sign-in or a refresh. */
  activeSessions: number
}

export interface StatisticsBucket extends EventCounts {
  /** The start of the bucket, in Unix seconds. */
  at: number
}

export interface Statistics {
  /** The oldest bucket first. A bucket without an event is absent. */
  buckets: StatisticsBucket[]
  total: EventCounts
}

/** A time span and the length of its buckets. All values are whole minutes, in Unix seconds. */
export interface StatisticsSpan {
  /** Inclusive. */
  from: number
  /** Exclusive. */
  to: number
  bucketSeconds: number
}

const COUNTERS_OF_SPAN = `
  SELECT minute, minute - (minute - ?1) % ?3 AS at, key AS counter, value AS count
  FROM audit_counters, json_each(audit_counters.counts) WHERE minute >= ?1 AND minute < ?2`

const SUM_COUNTERS = `
  SELECT at, counter, sum(count) AS count FROM (${COUNTERS_OF_SPAN})
  WHERE counter NOT LIKE 'idle:%' GROUP BY at, counter ORDER BY at`

/** Lists the idle counters of each minute. A sum is not possible, because the age of a class depends on the minute. */
const LIST_IDLE_COUNTERS = `
  SELECT at, minute, CAST(substr(counter, 6) AS INTEGER) AS idle_minutes, count FROM (${COUNTERS_OF_SPAN})
  WHERE counter LIKE 'idle:%'`

const sumsSchema = z.array(z.object({ at: z.int(), counter: z.string(), count: z.int() }))
const idleSchema = z.array(z.object({ at: z.int(), minute: z.int(), idle_minutes: z.int(), count: z.int() }))

/** The sum of a counter in a bucket. */
type CounterSum = z.output<typeof sumsSchema>[number]

/** An idle counter of a minute, and the start of the bucket with this minute. */
type IdleCountOfBucket = IdleCount & { at: number }

/** Reads the counters of events for each minute. `AuditStore` writes them together with the events. */
export class AuditStatisticsStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async count({ from, to, bucketSeconds }: StatisticsSpan): Promise<Statistics> {
    const select = (sql: string) => this.#db.prepare(sql).bind(from, to, bucketSeconds)
    const [summed, listed] = await callStore(
      'D1 audit_counters',
      () => this.#db.batch([select(SUM_COUNTERS), select(LIST_IDLE_COUNTERS)]),
      SEARCH_DEADLINE_MS,
    )
    const sums = decodeRecord(sumsSchema, 'statistics', summed?.results)
    const idle = decodeRecord(idleSchema, 'statistics', listed?.results).map(
      ({ idle_minutes: idleMinutes, ...rest }) => ({ ...rest, idleMinutes }),
    )
    const sumsByBucket = Map.groupBy(sums, ({ at }) => at)
    const idleByBucket = Map.groupBy(idle, ({ at }) => at)
    return {
      buckets: [...sumsByBucket].map(([at, ofBucket]) => ({
        at,
        ...countsOf(ofBucket, idleByBucket.get(at) ?? [], at),
      })),
      total: countsOf(sums, idle, from),
    }
  }

  /** Removes up to `limit` minutes before a time. @returns the number of removed minutes @throws StorageUnavailable */
  async sweep(before: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        'DELETE FROM audit_counters WHERE minute IN (SELECT minute FROM audit_counters WHERE minute < ? LIMIT ?)',
      )
      .bind(before, limit)
    const { meta } = await callStore('D1 audit_counters', () => sweep.run())
    return meta.changes
  }
}

/** The counts of a time span. Every session that started in the span counts as active. */
function countsOf(
  sums: readonly CounterSum[],
  idle: readonly IdleCountOfBucket[],
  start: number,
): EventCounts {
  const totals = new Map<string, number>()
  for (const { counter, count } of sums) totals.set(counter, (totals.get(counter) ?? 0) + count)
  const totalOf = (counter: string) => totals.get(counter) ?? 0
  return {
    tokens: tokensOf(totals),
    failures: totalOf('failures'),
    breachedPasswords: totalOf('breached_passwords'),
    uncheckedPasswords: totalOf('unchecked_passwords'),
    activeSessions: Math.round(totalOf('sessions') + countReturningSessions(idle, start)),
  }
}

const TOKENS_PREFIX = 'tokens:'

function tokensOf(totals: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const ofGrants = [...totals].filter(([counter]) => counter.startsWith(TOKENS_PREFIX))
  return new Map(ofGrants.map(([counter, count]) => [counter.slice(TOKENS_PREFIX.length), count]))
}
