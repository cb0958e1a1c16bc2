import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { countsOf, type EventCounts } from './event_counts.ts'
import { countReturning } from './returning_sessions.ts'

export interface StatisticsBucket extends EventCounts {
  /** The start of the bucket, in Unix seconds. */
  at: number
}

export interface Statistics {
  /** The oldest bucket first. A bucket without an event is absent. */
  buckets: StatisticsBucket[]
  total: EventCounts
}

/** A time span and the length of its buckets. All values are whole units, in seconds. */
export interface StatisticsSpan {
  /** Unix seconds, inclusive. */
  from: number
  /** Unix seconds, exclusive. */
  to: number
  bucketSeconds: number
  unit: CounterUnit
}

/** The time of one row of counters. The counters of minutes are kept for two days, those of hours for 60 days. */
export type CounterUnit = 'minute' | 'hour'

const HOUR = 3600

/** A later event of an ended hour is not counted: an isolate writes an event within seconds, and clocks differ by less. */
const ROLL_UP_AFTER_SECONDS = 300

/** The first minute that is not in the counters of hours. */
const FIRST_OPEN_MINUTE = `(SELECT coalesce(max(hour), -${HOUR}) + ${HOUR} FROM audit_hour_counters)`

/** The rows of counters of a span, with the middle of their time. `?1` is its start and `?2` its end. */
const ROWS: Readonly<Record<CounterUnit, string>> = {
  minute: `SELECT minute AS start, minute AS moment, counts FROM audit_counters WHERE minute >= ?1 AND minute < ?2`,
  hour: `SELECT hour AS start, hour + ${HOUR / 2} AS moment, counts FROM audit_hour_counters WHERE hour >= ?1 AND hour < ?2
    UNION ALL
    SELECT minute, minute, counts FROM audit_counters WHERE minute >= max(?1, ${FIRST_OPEN_MINUTE}) AND minute < ?2`,
}

const OLDEST: Readonly<Record<CounterUnit, string>> = {
  minute: `SELECT min(minute) AS oldest FROM audit_counters`,
  hour: `SELECT min(oldest) AS oldest FROM
    (SELECT min(hour) AS oldest FROM audit_hour_counters UNION ALL SELECT min(minute) / ${HOUR} * ${HOUR} FROM audit_counters)`,
}

const countersOf = (unit: CounterUnit) => `
  SELECT start - (start - ?1) % ?3 AS at, moment, key AS counter, value AS count
  FROM (${ROWS[unit]}) AS counted, json_each(counted.counts)`

const sumCounters = (unit: CounterUnit) => `
  SELECT at, counter, sum(count) AS count FROM (${countersOf(unit)})
  WHERE counter NOT LIKE 'idle:%' GROUP BY at, counter ORDER BY at`

const countReturns = (unit: CounterUnit) => `
  SELECT at, ${countReturning('at')} AS of_bucket, ${countReturning('?1')} AS of_span
  FROM (SELECT at, moment, CAST(substr(counter, 6) AS INTEGER) AS idle, count FROM (${countersOf(unit)})
    WHERE counter LIKE 'idle:%')
  GROUP BY at`

const ROLL_UP = `
  INSERT OR IGNORE INTO audit_hour_counters (hour, counts)
  SELECT hour, json_group_object(counter, count) FROM (
    SELECT minute / ${HOUR} * ${HOUR} AS hour, key AS counter, sum(value) AS count
    FROM audit_counters, json_each(audit_counters.counts)
    WHERE minute >= ${FIRST_OPEN_MINUTE} AND minute < ?1 GROUP BY 1, 2)
  GROUP BY hour`

const sumsSchema = z.array(z.object({ at: z.int(), counter: z.string(), count: z.int() }))
const returnsSchema = z.array(z.object({ at: z.int(), of_bucket: z.number(), of_span: z.number() }))
const oldestSchema = z.object({ oldest: z.nullable(z.int()) })

/** Reads the counters of events. `AuditStore` writes those of a minute together with the events. */
export class AuditStatisticsStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Counts the events of a span, and those of an earlier span as one bucket.
   *
   * @returns `since`: the start of the oldest counters in Unix seconds; null if there are none
   * @throws StorageUnavailable, CorruptRecord
   */
  async count(
    span: StatisticsSpan,
    earlier: Pick<StatisticsSpan, 'from' | 'to'>,
  ): Promise<Statistics & { earlier: EventCounts; since: number | null }> {
    const { unit } = span
    const select = (sql: string, { from, to, bucketSeconds }: Omit<StatisticsSpan, 'unit'>) =>
      this.#db.prepare(sql).bind(from, to, bucketSeconds)
    const whole = { ...earlier, bucketSeconds: earlier.to - earlier.from }
    const statements = [
      select(sumCounters(unit), span),
      select(countReturns(unit), span),
      select(sumCounters(unit), whole),
      select(countReturns(unit), whole),
      this.#db.prepare(OLDEST[unit]),
    ]
    const results = await callStore('D1 audit_counters', () => this.#db.batch(statements), SEARCH_DEADLINE_MS)
    const [sums, returns, earlierSums, earlierReturns, oldest] = results.map((result) => result.results)
    return {
      ...statisticsOf(sums, returns),
      earlier: statisticsOf(earlierSums, earlierReturns).total,
      since: decodeRecord(oldestSchema, 'statistics', oldest?.[0]).oldest,
    }
  }

  /** Adds the counters of each hour that has ended. A second call adds nothing. @returns the added hours @throws StorageUnavailable */
  async rollUp(now: number): Promise<number> {
    const end = Math.floor((now - ROLL_UP_AFTER_SECONDS) / HOUR) * HOUR
    const rollUp = this.#db.prepare(ROLL_UP).bind(end)
    const { meta } = await callStore('D1 audit_hour_counters', () => rollUp.run(), SEARCH_DEADLINE_MS)
    return meta.changes
  }

  /**
   * Removes up to `limit` rows of counters before a time.
   *
   * @returns the number of removed rows
   * @throws StorageUnavailable
   */
  async sweep(unit: CounterUnit, before: number, limit: number): Promise<number> {
    const table = { minute: 'audit_counters', hour: 'audit_hour_counters' }[unit]
    const sweep = this.#db
      .prepare(
        `DELETE FROM ${table} WHERE ${unit} IN (SELECT ${unit} FROM ${table} WHERE ${unit} < ? LIMIT ?)`,
      )
      .bind(before, limit)
    const { meta } = await callStore(`D1 ${table}`, () => sweep.run())
    return meta.changes
  }
}

function statisticsOf(summed: unknown, returned: unknown): Statistics {
  const sums = decodeRecord(sumsSchema, 'statistics', summed)
  const returns = decodeRecord(returnsSchema, 'statistics', returned)
  const returnsAt = new Map(returns.map(({ at, of_bucket }) => [at, of_bucket]))
  const sumsByBucket = Map.groupBy(sums, ({ at }) => at)
  const ofSpan = returns.reduce((sum, { of_span }) => sum + of_span, 0)
  return {
    buckets: [...sumsByBucket].map(([at, ofBucket]) => ({
      at,
      ...countsOf(ofBucket, returnsAt.get(at) ?? 0),
    })),
    total: countsOf(sums, ofSpan),
  }
}
