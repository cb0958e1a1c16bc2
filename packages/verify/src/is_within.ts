/**
 * Whether `now` is at most this many seconds after `since`. False if `now` is before `since`: after the clock was set back, the
 * verifier must not wait until the old time comes again.
 */
export function isWithin(seconds: number, since: number, now: number): boolean {
  return since <= now && now - since < seconds
}
