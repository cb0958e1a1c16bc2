import { type Counter, IDLE_COUNTERS, IDLE_MINUTES } from './event_counters.ts'

/** The counters of a minute. */
export type MinuteCounts = Readonly<Record<Counter, number>> & {
  /** Unix seconds. */
  minute: number
}

/**
 * How many sessions got a token by a sign-in or a refresh between a moment (`from`) and the end of the given minutes. Every sign-in is
 * a session. A refresh counts if the session got its previous token earlier than that. The counters have the age of the previous
 * token in classes, so a class that lies across that moment counts in part. Without such a class the result is exact.
 *
 * @param from Unix seconds, the beginning of a minute.
 */
export function countActiveSessions(minutes: readonly MinuteCounts[], from: number): number {
  const returning = minutes.reduce((sum, counts) => sum + countReturning(counts, from), 0)
  return Math.round(minutes.reduce((sum, { password, guest }) => sum + password + guest, returning))
}

function countReturning(counts: MinuteCounts, from: number): number {
  const age = (counts.minute - from) / 60
  return IDLE_COUNTERS.reduce((sum, name, i) => sum + counts[name] * shareAbove(age, i), 0)
}

/** The share of a class whose sessions were idle for more than that many minutes. */
function shareAbove(age: number, index: number): number {
  const lower = IDLE_MINUTES[index] ?? 0
  const next = IDLE_MINUTES[index + 1]
  if (lower > age || next === undefined) return 1
  return Math.max(0, next - 1 - age) / (next - lower)
}
