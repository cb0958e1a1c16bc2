import { describeError } from './log.ts'
import { timers } from './timers.ts'

/** A store that does not respond in this time is unavailable. Clients wait longer (`packages/client`: 8 s). */
export const STORE_DEADLINE_MS = 5000

/** The deadline of a search or a sum over many rows for an operator. D1 stops after 30 s. */
export const SEARCH_DEADLINE_MS = 25_000

/** The deadline of a read of a copy near the caller, and of a call that has a fallback. */
export const READ_TIMEOUT_MS = 1000

/** A store did not respond or did not run the call. The caller may retry. */
export class StorageUnavailable extends Error {
  override name = 'StorageUnavailable'
}

export type Constraint = 'unique' | 'check' | 'not null' | 'foreign key' | 'other'

/**
 * The database refused the call because of a constraint. This is not an outage, because a retry fails too. The message is
 * for the log.
 */
export class ConstraintFailed extends Error {
  override name = 'ConstraintFailed'
  readonly constraint: Constraint
  /** The columns in SQLite's message, such as `users.username`; empty for a CHECK, because SQLite then names the expression. */
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
 * Runs one call to a store. A failed constraint becomes ConstraintFailed. Every other error becomes StorageUnavailable, also a
 * timeout. After a timeout, the store may still do the write.
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

/** SQLite's message for a failed constraint, with the columns. D1 adds a prefix and the error code. */
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

/** Waits for the work until the limit. The work itself has no limit. @throws StorageUnavailable at the limit */
export async function respondWithin<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>()
  const timer = timers.start(() => reject(new StorageUnavailable(`no response in ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([work, end])
  } finally {
    timers.stop(timer)
  }
}
