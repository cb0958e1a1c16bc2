import { IDLE_MINUTES } from './event_counters.ts'

/**
 * The SQL of a number: the sessions that refreshed in a time span and got their previous token before the span. It is a sum over
 * rows with `moment` (the time of the refreshes, in Unix seconds), `idle` (the lower limit of their class, one of IDLE_MINUTES) and
 * `count`. A class with ages on both sides of the start counts in part. So the result is an estimate; without such a class it is
 * exact.
 *
 * @param start The SQL of the start of the span, in Unix seconds.
 */
export function countReturning(start: string): string {
  const age = `(moment - ${start}) / 60`
  const [longest] = IDLE_MINUTES.slice(-1)
  // A class ends before twice its lower limit. Class 0 has the refreshes of the same minute as the previous token.
  return `sum(count * CASE
    WHEN idle > ${age} OR idle = ${longest} THEN 1.0
    WHEN idle = 0 THEN 0.0
    ELSE max(0, 2 * idle - 1 - ${age}) * 1.0 / idle END)`
}
