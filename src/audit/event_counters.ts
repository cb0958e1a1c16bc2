import type { FailureCause } from '../oauth/failure_cause.ts'
import type { AuditEvent } from './audit_event.ts'

/**
 * The lower limits of the classes of idle time, in minutes. The idle time of a refresh is the time since the session got its
 * previous token. A class ends where the next class begins. The last class has no end. It begins after 22 days, because the
 * statistics go back 30 days.
 */
export const IDLE_MINUTES = [
  0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768,
] as const

/** A key of the JSON object in `audit_counters.counts`. The grant, the class or the cause follows the colon. */
export type Counter =
  | `tokens:${string}`
  | `idle:${number}`
  /** Started sessions. */
  | 'sessions'
  | `failures:${FailureCause}`
  | 'failures'
  | 'thefts'
  | 'breached_passwords'
  | 'unchecked_passwords'

/** The counters that an event increases by one. A retry counts as a token, but not as activity of its session. */
export function countersOf(event: AuditEvent, now: number): Counter[] {
  switch (event.kind) {
    case 'issue':
      return event.sid === null ? tokensOf(event) : [...tokensOf(event), 'sessions']
    case 'refresh':
      return [...tokensOf(event), idleCounterOf(event.previousTokenAt ?? now, now)]
    case 'retry':
      return tokensOf(event)
    case 'sign_in_failure':
    case 'refresh_refused':
    case 'code_refused':
      return ['failures', `failures:${event.cause ?? 'other'}`]
    case 'theft':
      return ['thefts']
    case 'breached_password':
      return ['breached_passwords']
    case 'unchecked_password':
      return ['unchecked_passwords']
    default:
      return []
  }
}

/** The start of the minute of a time, in Unix seconds. */
export function minuteOf(now: number): number {
  return Math.floor(now / 60) * 60
}

function tokensOf({ grant }: AuditEvent): Counter[] {
  return grant === undefined ? [] : [`tokens:${grant}`]
}

function idleCounterOf(previousTokenAt: number, now: number): Counter {
  const idle = (minuteOf(now) - minuteOf(previousTokenAt)) / 60
  const minutes = IDLE_MINUTES.findLast((lower) => lower <= idle) ?? 0
  return `idle:${minutes}`
}

/** The sums of the counters of a minute. */
export interface CountsOfMinute {
  /** The start of the minute, in Unix seconds. */
  minute: number
  counts: Record<string, number>
}

/** The sums of entries for each minute. */
export function countsOf(
  entries: readonly { at: number; count: number; counters: readonly Counter[] }[],
): CountsOfMinute[] {
  const minutes = Map.groupBy(entries, ({ at }) => minuteOf(at))
  return [...minutes].flatMap(([minute, ofMinute]) => {
    const counts: Record<string, number> = {}
    for (const { count, counters } of ofMinute) {
      for (const counter of counters) counts[counter] = (counts[counter] ?? 0) + count
    }
    return Object.keys(counts).length === 0 ? [] : [{ minute, counts }]
  })
}

/** Adds the sums of the same minute. */
export function addCounts(all: readonly CountsOfMinute[]): CountsOfMinute[] {
  const minutes = Map.groupBy(all, ({ minute }) => minute)
  return [...minutes].map(([minute, ofMinute]) => {
    const total: Record<string, number> = {}
    for (const { counts } of ofMinute)
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count
    return { minute, counts: total }
  })
}

/**
 * The SQL that adds to the counters of each minute. Its first parameter is a JSON array of `CountsOfMinute`.
 *
 * @param condition A condition of the whole statement.
 */
export function addCountsSql(condition = 'true'): string {
  return `
  INSERT INTO audit_counters (minute, counts)
  SELECT value ->> 'minute', value -> 'counts' FROM json_each(?1) WHERE ${condition}
  ON CONFLICT (minute) DO UPDATE SET counts = (
    SELECT json_group_object(key, total) FROM (
      SELECT key, sum(value) AS total FROM (
        SELECT key, value FROM json_each(audit_counters.counts)
        UNION ALL SELECT key, value FROM json_each(excluded.counts))
      GROUP BY key))`
}
