import type { SqlResult, SqlStatement } from '../storage/sql_database.ts'
import type { StoredUser } from '../users/user.ts'
import type { HolderProblem, HolderQuery } from './holder_conditions.ts'

/** The current client and user of a token in the database. */
export interface Holder {
  /** Why the token is refused; null if it is valid. */
  problem: HolderProblem | null
  /** Null if the token belongs to a visitor or to the client itself, or if the user was deleted. */
  user: StoredUser | null
  /** The current scopes of the client; empty if the client was deleted. */
  clientScopes: readonly string[]
  /** Access tokens of the client that were issued before this moment are refused. Unix seconds. */
  clientValidFrom: number
}

/** A condition for a statement in the same transaction, such as that the holder has no problem. */
export interface HolderGuard {
  sql: string
  /** The value of `?1`, as JSON; null if the condition does not use it. Parameters of the statement begin at `?2`. */
  query: string | null
}

/** The guard of a statement after a separate check of the holder. */
export const NO_GUARD: HolderGuard = { sql: 'TRUE', query: null }

/** The holder of a token, and the results of the statements that ran with the check. */
export interface HolderRun {
  holder: Holder
  /** The time at which the data of the holder were known to be up to date, in Unix seconds. */
  knownAt: number
  /** Empty if the statements did not run because of a problem of the holder. */
  results: SqlResult[]
}

/** Checks the holders of the tokens of one database of sessions. */
export interface HolderCheck {
  /**
   * Checks a holder and changes its session: in one transaction, or one after the other if the holder is in another database.
   *
   * @param change The statement must have no effect if the guard is false. It returns a row if it had an effect.
   * @param otherwise Reads the session if the change had no effect.
   * @throws StorageUnavailable, CorruptRecord
   */
  change(
    query: HolderQuery,
    change: (guard: HolderGuard) => SqlStatement,
    otherwise: SqlStatement,
  ): Promise<HolderRun>
  /** Checks a holder and reads its session. @throws StorageUnavailable, CorruptRecord */
  read(query: HolderQuery, statement: SqlStatement): Promise<HolderRun>
}
