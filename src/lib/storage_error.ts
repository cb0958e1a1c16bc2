import { describeError } from './log.ts'
import { timers } from './timers.ts'

/** A store that has not answered after so long counts as away. Shorter than a client waits (`client/`: 8 s). */
export const STORE_DEADLINE_MS = 5000

/** The same where an operator searches or sums up many rows. D1 itself gives up after 30 s. */
export const SEARCH_DEADLINE_MS = 25_000

/** The same for a copy near the caller, and for whatever there is a known answer in place of. */
export const PATIENCE_MS = 1000

/** A store could not be reached, or refused the call: the caller may try again. */
export class StorageUnavailable extends Error {
  override name = 'StorageUnavailable'
}

/** A stored record did not decode. Its message names the record and the fields, never their values. */
export class CorruptRecord extends Error {
  override name = 'CorruptRecord'
}

/**
 * Runs one call to a store and turns whatever it throws into StorageUnavailable. So is an answer that does not come in
 * time; a write may be done all the same, then or later.
 */
export async function callStore<T>(
  store: string,
  call: () => Promise<T>,
  limitMs = STORE_DEADLINE_MS,
): Promise<T> {
  try {
    return await answerWithin(limitMs, call())
  } catch (error) {
    throw new StorageUnavailable(`${store}: ${describeError(error)}`, { cause: error })
  }
}

/** What work answers. It goes on, though nobody waits for it any more. @throws StorageUnavailable where it takes longer */
export async function answerWithin<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>()
  const timer = timers.start(() => reject(new StorageUnavailable(`no answer in ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([work, end])
  } finally {
    timers.stop(timer)
  }
}
