import { describeError } from './log.ts'
import { timers } from './timers.ts'

/** A store that does not respond in this time counts as unavailable. A client waits longer (`packages/client`: 8 s). */
export const STORE_DEADLINE_MS = 5000

/** The deadline of a search or a sum over many rows for an operator. D1 itself stops after 30 s. */
export const SEARCH_DEADLINE_MS = 25_000

/** The deadline of a read of a copy near the caller, and of a call whose result has a substitute. */
export const READ_TIMEOUT_MS = 1000

/** A store did not respond or did not run the call. The caller may retry. */
export class StorageUnavailable extends Error {
  override name = 'StorageUnavailable'
}

export type Constraint = 'unique' | 'check' | 'not null' | 'foreign key' | 'other'

/**
 * The database ran the call and refused it because of a constraint. The same call fails again, so it is no outage. The
 * message is for the log.
 */
export class ConstraintFailed extends Error {
  override name = 'ConstraintFailed'
  readonly constraint: Constraint
  /** The columns that SQLite names, such as `users.username`; empty for a CHECK, which names its expression. */
  readonly columns: readonly string[]

  constructor(
    message: string,
    { constraint, columns }: Pick<ConstraintFailed, 'constraint' | 'columns'>,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.constraint = constraint
    this.columns = columns
  }
}

/** A stored record did not decode. Its message names the record and the fields, never their values. */
export class CorruptRecord extends Error {
  override name = 'CorruptRecord'
}

/**
 * Runs one call to a store. A constraint that failed becomes ConstraintFailed, every other error StorageUnavailable. So
 * does a missing response; the store may still run a write that timed out.
 *
 * @throws StorageUnavailable, ConstraintFailed
 */
export async function callStore<T>(
  store: string,
  call: () => Promise<T>,
  limitMs = STORE_DEADLINE_MS,
): Promise<T> {
  try {
    return await respondWithin(limitMs, call())
  } catch (error) {
    throw toStorageError(store, error)
  }
}

/** SQLite's text for a failed constraint, with the columns it names. D1 puts its own prefix and the code around it. */
const CONSTRAINT_TEXT = /\b(UNIQUE|CHECK|NOT NULL|FOREIGN KEY) constraint failed(?:: ([\w., ]+))?/
const KINDS: Readonly<Record<string, Constraint>> = {
  UNIQUE: 'unique',
  CHECK: 'check',
  'NOT NULL': 'not null',
  'FOREIGN KEY': 'foreign key',
}

function toStorageError(store: string, error: unknown): Error {
  const text = describeError(error)
  const message = `${store}: ${text}`
  const [, kind = '', columns = ''] = CONSTRAINT_TEXT.exec(text) ?? []
  const constraint = KINDS[kind] ?? (text.includes('SQLITE_CONSTRAINT') ? 'other' : null)
  if (constraint === null) return new StorageUnavailable(message, { cause: error })
  const hasColumns = constraint === 'unique' || constraint === 'not null'
  const named = hasColumns ? columns.split(',').map((column) => column.trim()) : []
  return new ConstraintFailed(message, { constraint, columns: named }, { cause: error })
}

/** The result of the work. After the limit the work continues, but its result is lost. @throws StorageUnavailable at the limit */
export async function respondWithin<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>()
  const timer = timers.start(() => reject(new StorageUnavailable(`no response in ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([work, end])
  } finally {
    timers.stop(timer)
  }
}
