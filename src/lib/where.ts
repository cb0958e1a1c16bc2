import type { SqlPart } from './edit.ts'

type SqlValue = string | number | boolean

/**
 * A condition in SQL, and the values of its `?` parameters in order. An empty list means a condition without parameters.
 * `where` omits a condition whose values are null or absent.
 */
export type Condition = readonly [sql: string, values: SqlValue | readonly SqlValue[] | null | undefined]

/**
 * The WHERE clause of a list with filters. AND joins the conditions that have values. Without such a condition, the SQL is
 * empty. The conditions must be constants of the code; only the values come from a caller. A boolean is bound as 1 or 0.
 */
export function where(conditions: readonly Condition[]): SqlPart {
  const used = conditions.flatMap(([sql, values]) =>
    values === null || values === undefined ? [] : [{ sql, values: [values].flat() }],
  )
  return {
    sql: used.map(({ sql }, i) => `${i === 0 ? 'WHERE' : 'AND'} ${sql}`).join(' '),
    values: used.flatMap(({ values }) =>
      values.map((value) => (value === true || value === false ? Number(value) : value)),
    ),
  }
}
