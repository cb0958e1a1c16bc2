import { IDLE_MINUTES } from './event_counters.ts'

/** How many sessions of a class of idle time refreshed in a minute. */
export interface IdleCount {
  /** The beginning of the minute, in Unix seconds. */
  minute: number
  /** The lower end of the class, one of `IDLE_MINUTES`. */
  idleMinutes: number
  count: number
}

/**
 * How many sessions refreshed in a span and got their previous token before it. A class with ages on both sides of the start
 * of the span counts in part, so the result is an estimate. Without such a class it is exact.
 *
 * @param counts The counts of the minutes of the span.
 * @param start The start of the span, in Unix seconds: the beginning of a minute.
 */
export function countReturningSessions(counts: readonly IdleCount[], start: number): number {
  return counts.reduce((sum, { minute, idleMinutes, count }) => {
    return sum + count * shareAbove((minute - start) / 60, idleMinutes)
  }, 0)
}

/** The share of a class whose sessions were idle for more than `age` minutes. */
function shareAbove(age: number, lower: number): number {
  const next = IDLE_MINUTES.find((minutes) => minutes > lower)
  if (lower > age || next === undefined) return 1
  return Math.max(0, next - 1 - age) / (next - lower)
}
