import { settleWithin } from './time_limit.ts'

/** The part of the Web Locks API that this module uses. */
interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>
}

export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>

/**
 * A tab waits this long for its turn. A tab that the browser froze may hold the lock forever. Work without the lock is
 * safe: two refreshes in parallel get the same successor. A refresh is sent, and its result stored, only while the session is
 * unchanged.
 */
export const TURN_WAIT_MS = 5000

/**
 * Lets one tab at a time work, by the Web Locks API. Without that API (a page without HTTPS, an old browser, a sandboxed
 * frame) only the calls of this page take turns.
 *
 * @returns A function that runs its work after at most TURN_WAIT_MS, with the lock or without it.
 */
export function tabLock(name: string): Exclusively {
  const locks = (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
  const takeTurn = pageQueue()
  return locks ? (work) => withLock(locks, name, work) : takeTurn
}

async function withLock<T>(locks: Locks, name: string, work: () => Promise<T>): Promise<T> {
  const waiting = new AbortController()
  const timer = setTimeout(() => waiting.abort(), TURN_WAIT_MS)
  let running: Promise<T> | null = null
  const runOnce = () => {
    clearTimeout(timer)
    running ??= work()
    return running
  }
  try {
    return await locks.request(name, { signal: waiting.signal }, runOnce)
  } catch {
    // The error of the work, if the work has begun. Otherwise the wait ended, or this page may not use locks.
    return runOnce()
  }
}

/** One call of this page at a time, in the order of the calls. */
function pageQueue(): Exclusively {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = settleWithin(TURN_WAIT_MS, last).then(work)
    last = next
    return next
  }
}
