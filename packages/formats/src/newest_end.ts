/** The members of a session in the admin API that give its end. Times are Unix seconds. */
export interface SessionTimes {
  state: string
  started_at: number
  last_refreshed_at: number | null
  expires_at: number
  ended_at: number | null
}

/** The session that ended last; the newest session if all are live; null without a session. */
export function findNewestEnd<T extends SessionTimes>(sessions: readonly T[]): T | null {
  return [...sessions].sort((a, b) => endOf(b) - endOf(a))[0] ?? null
}

/** The approximate time of the end, for sorting. Live sessions come last, by their start. */
function endOf({ state, ended_at, expires_at, last_refreshed_at, started_at }: SessionTimes): number {
  if (state === 'live') return -1 / started_at
  if (state === 'expired') return expires_at
  return ended_at ?? last_refreshed_at ?? started_at
}
