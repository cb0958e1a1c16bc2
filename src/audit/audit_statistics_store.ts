import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { countActiveSessions, type MinuteCounts } from './active_sessions.ts'
import { COUNTERS, type Counter } from './event_counters.ts'

/** Counts of events in a piece of time. A refresh and its retries each count as a token. */
export interface EventCounts {
  password: number
  guest: number
  clientCredentials: number
  refreshToken: number
  /** Sign-ins and refreshes that were refused. */
  failures: number
  /** Those that were found in a known breach, and those that could not be looked for. */
  breachedPasswords: number
  uncheckedPasswords: number
  /** Sessions that got a token by a sign-in or a refresh. */
  activeSessions: number
}

export interface StatisticsBucket extends EventCounts {
  /** When it begins, in Unix seconds. */
  at: number
}

export interface Statistics {
  /** The newest last; pieces without an event are left out. */
  buckets: StatisticsBucket[]
  total: EventCounts
}

/** A span of time and its pieces. All in Unix seconds, and whole minutes. */
export interface StatisticsSpan {
  /** Inclusive. */
  from: number
  /** Exclusive. */
  to: number
  bucketSeconds: number
}

const columns = Object.fromEntries(COUNTERS.map((name) => [name, z.int()])) as Record<Counter, z.ZodMiniInt>
const minutesSchema = z.array(z.object({ minute: z.int(), ...columns }))

/** The counters of events by the minute, which `AuditStore` keeps as it writes the events. */
export class AuditStatisticsStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async count({ from, to, bucketSeconds }: StatisticsSpan): Promise<Statistics> {
    const select = this.#db
      .prepare('SELECT * FROM audit_counters WHERE minute >= ? AND minute < ? ORDER BY minute')
      .bind(from, to)
    const { results } = await callStore('D1 audit_counters', () => select.all(), SEARCH_DEADLINE_MS)
    const minutes = decodeRecord(minutesSchema, 'statistics', results)
    const buckets = Map.groupBy(minutes, ({ minute }) => minute - ((minute - from) % bucketSeconds))
    return {
      buckets: [...buckets].map(([at, ofBucket]) => ({ at, ...sumOf(ofBucket, at) })),
      total: sumOf(minutes, from),
    }
  }

  /** Removes up to `limit` minutes from before a moment. Returns how many. @throws StorageUnavailable */
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

function sumOf(minutes: readonly MinuteCounts[], from: number): EventCounts {
  const sum = (counter: Counter) => minutes.reduce((total, counts) => total + counts[counter], 0)
  return {
    password: sum('password'),
    guest: sum('guest'),
    clientCredentials: sum('client_credentials'),
    refreshToken: sum('refresh_token'),
    failures: sum('failures'),
    breachedPasswords: sum('breached_passwords'),
    uncheckedPasswords: sum('unchecked_passwords'),
    activeSessions: countActiveSessions(minutes, from),
  }
}
