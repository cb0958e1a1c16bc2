import { afterEach, beforeEach, vi } from 'vitest'

/** The wait of the client between two tries. No other code in its tests waits for a timer. */
export function fakeWaits(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

/** Runs work whose waits end at once. */
export async function hurry<T>(work: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => {
    isDone = true
  }
  work.then(end, end)
  while (!isDone) await vi.advanceTimersByTimeAsync(100)
  return work
}
