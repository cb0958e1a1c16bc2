/**
 * The part of D1's interface that the stores of sessions use. A D1 database and a session object have it, so one store runs on
 * both.
 */
export interface SqlDatabase {
  prepare(sql: string): SqlStatement
  /** Runs the statements in one transaction. @returns one result for each statement */
  batch(statements: SqlStatement[]): Promise<SqlResult[]>
}

export interface SqlStatement {
  /** @returns the statement with these values for `?1`, `?2` and so on */
  bind(...values: unknown[]): SqlStatement
  /** @returns the first row; null without a row */
  first(): Promise<unknown>
  run(): Promise<SqlResult>
  all(): Promise<SqlResult>
}

export interface SqlResult {
  /** The rows of a SELECT or a RETURNING clause. */
  results: unknown[]
  meta: {
    /** The number of rows that the statement inserted, updated or deleted. */
    changes: number
  }
}
