/** A setting of each user pool. */
export interface PerPool<T> {
  /** The values of the pools that config.yml lists, by their names. */
  listed: ReadonlyMap<string, T>
  /** The value of every other pool: the defaults. */
  other: T
}

/** The accounts of a pool. */
export function accountsOf<T>(pool: string, { accounts }: { accounts: PerPool<T> }): T {
  return settingOf(pool, accounts)
}

/** The lifetimes of the browser sessions of a pool. */
export function browserSessionLimitsOf<T>(
  pool: string,
  { browserSessions }: { browserSessions: PerPool<T> },
): T {
  return settingOf(pool, browserSessions)
}

function settingOf<T>(pool: string, { listed, other }: PerPool<T>): T {
  return listed.get(pool) ?? other
}
