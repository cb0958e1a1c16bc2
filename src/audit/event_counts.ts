/** The counts of events in a time span. */
export interface EventCounts {
  /** Tokens by the grant that issued them. A refresh and its retries each count as a token. */
  tokens: ReadonlyMap<string, number>
  /** Refused sign-ins and refreshes. */
  failures: number
  /** The failures by `FailureCause`. Failures that an older version counted are absent. */
  failuresByCause: ReadonlyMap<string, number>
  /** Sessions that ended because an old refresh token was used again. */
  thefts: number
  /** Passwords that are in a known breach. */
  breachedPasswords: number
  /** Passwords without a result, because the check against known breaches failed. */
  uncheckedPasswords: number
  /** Sessions that got a token by a sign-in or a refresh. */
  activeSessions: number
}

/** The sum of a counter. */
export interface CounterSum {
  counter: string
  count: number
}

/**
 * The counts of a time span. Every session that started in the span counts as active.
 *
 * @param returning The sessions that refreshed in the span and got their previous token before it.
 */
export function countsOf(sums: readonly CounterSum[], returning: number): EventCounts {
  const totals = new Map<string, number>()
  for (const { counter, count } of sums) totals.set(counter, (totals.get(counter) ?? 0) + count)
  const totalOf = (counter: string) => totals.get(counter) ?? 0
  return {
    tokens: membersOf(totals, 'tokens:'),
    failures: totalOf('failures'),
    failuresByCause: membersOf(totals, 'failures:'),
    thefts: totalOf('thefts'),
    breachedPasswords: totalOf('breached_passwords'),
    uncheckedPasswords: totalOf('unchecked_passwords'),
    activeSessions: Math.round(totalOf('sessions') + returning),
  }
}

/** The totals of the counters with a prefix, by the rest of their names. */
function membersOf(totals: ReadonlyMap<string, number>, prefix: string): ReadonlyMap<string, number> {
  const members = [...totals].filter(([counter]) => counter.startsWith(prefix))
  return new Map(members.map(([counter, count]) => [counter.slice(prefix.length), count]))
}
