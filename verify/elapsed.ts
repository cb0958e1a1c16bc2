/** Requests that overlap may come with their moments out of order by this much. */
const DISORDER_SECONDS = 5

/**
 * How long ago a moment was, in seconds. Infinite where it lies ahead: the clock was set back, and nobody can tell, so
 * whatever was known then must be asked for again.
 */
export function elapsedSeconds(now: number, since: number): number {
  return now < since - DISORDER_SECONDS ? Number.POSITIVE_INFINITY : Math.max(0, now - since)
}
