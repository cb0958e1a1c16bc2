import { describeError } from './log.ts'

/** A store could not be reached, or refused the call: the caller may try again. */
export class StorageUnavailable extends Error {
  override name = 'StorageUnavailable'
}

/** A stored record did not decode. Its message names the record and the fields, never their values. */
export class CorruptRecord extends Error {
  override name = 'CorruptRecord'
}

/** Runs one call to a store and turns whatever it throws into StorageUnavailable. */
export async function callStore<T>(store: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new StorageUnavailable(`${store}: ${describeError(error)}`, { cause: error })
  }
}
