/**
 * Whether less than those seconds passed since then. Not where `now` is before it: a clock was set back, and what it
 * said earlier would keep a verifier from asking until it is that late again.
 */
export function isWithin(seconds: number, since: number, now: number): boolean {
  return since <= now && now - since < seconds
}
