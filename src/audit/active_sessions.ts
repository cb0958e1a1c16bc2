import { IDLE_MINUTES } from './event_counters.ts'

/** The number of refreshes in a minute by sessions of one class of idle time. */
export interface IdleCount {
  /** The start of the minute, in Unix seconds. */
  minute: number
  /** The lower limit of the class, one of `IDLE_MINUTES`. */
  idleMinutes: number
  count: number
}

/**
 * The number of sessions that refreshed in a time span and got their previous token before the span. A class with ages on both
 * sides of the start counts in part. So the result is an estimate; without such a class it is exact.
 *
 * @param counts The counts of all minutes of the span.
 * @param start The start of the span, in Unix seconds, at a whole minute.
 */
export function countReturningSessions(counts: readonly IdleCount[], start: number): number {
  return counts.reduce((sum, { minute, idleMinutes, count }) => {
    return sum + count * shareAbove((minute - start) / 60, idleMinutes)
  }, 0)
}

/** The share of the sessions of a class that were idle for more than `age` minutes. */
function shareAbove(age: number, lower: number): number {
  const next = IDLE_MINUTES.find((minutes) => minutes > lower)
  if (lower > age || next === undefined) return 1
  return Math.max(0, next - 1 - age) / (next - lower)
}
