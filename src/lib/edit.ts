/** Columns and their new values; null is NULL; an absent column does not change. */
export type ColumnValues = Readonly<Record<string, string | number | null | undefined>>

/** A part of an SQL statement and the values of its parameters. */
export interface SqlPart {
  sql: string
  values: (string | number | null)[]
}

/** `a = ?, b = ?, ` for the columns that change. The names must be constants of the code. */
export function assignmentsOf(columns: ColumnValues): SqlPart {
  const changed = Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [{ column, value }],
  )
  return {
    sql: changed.map(({ column }) => `${column} = ?, `).join(''),
    values: changed.map(({ value }) => value),
  }
}

/** The server refuses tokens issued before these seconds: all tokens, or only access tokens. Unix seconds. */
export interface TokenStarts {
  tokensValidFrom?: number | undefined
  accessValidFrom?: number | undefined
}

/**
 * `tokens_valid_from = …, ` for a revocation. Tokens issued after the last revocation can have the time of that revocation as
 * `iat`. So the new time is at least one second later.
 */
export function tokenStartAssignmentsOf({ tokensValidFrom, accessValidFrom }: TokenStarts): SqlPart {
  const given: [string, number | undefined][] = [
    ['tokens_valid_from', tokensValidFrom],
    ['access_valid_from', accessValidFrom],
  ]
  const used = given.filter((entry): entry is [string, number] => entry[1] !== undefined)
  return {
    sql: used
      .map(([column]) => `${column} = max(?, tokens_valid_from + 1, access_valid_from + 1), `)
      .join(''),
    values: used.map(([, value]) => value),
  }
}

/** The condition that the row has one of these versions; null allows any version (RFC 9110 §13.1.1). */
export function versionGuard(versions: readonly number[] | null): SqlPart {
  if (versions === null) return { sql: '1', values: [] }
  return { sql: 'version IN (SELECT value FROM json_each(?))', values: [JSON.stringify(versions)] }
}

/** The outcome of an edit of a versioned row. */
export type EditOutcome<T> =
  /** The current row; null if it was removed. */
  | { kind: 'changed'; record: T | null }
  | { kind: 'missing' }
  /** The row has a version that the caller did not expect. */
  | { kind: 'stale'; record: T }
  /** A rule of the store refused the edit. */
  | { kind: 'refused'; record: T }

/** Decides the outcome of an edit from the row after it. */
export function judgeEdit<T extends { version: number }>(
  record: T | null,
  { isChanged, versions }: { isChanged: boolean; versions: readonly number[] | null },
): EditOutcome<T> {
  if (isChanged) return { kind: 'changed', record }
  if (record === null) return { kind: 'missing' }
  return { kind: versions !== null && !versions.includes(record.version) ? 'stale' : 'refused', record }
}
