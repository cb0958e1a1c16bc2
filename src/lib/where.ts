import type { SqlPart } from './edit.ts'

type SqlValue = string | number | boolean

/**
 * A condition in SQL and the values of its `?`, in their order; an empty list for a condition without parameters. `where`
 * leaves out a condition whose values are null or absent.
 */
export type Condition = readonly [sql: string, values: SqlValue | readonly SqlValue[] | null | undefined]

/**
 * The WHERE clause of a list with filters: every condition with values, joined by AND. The SQL is empty if no condition has
 * values. The conditions must be constants of the code; only values come from a caller. A boolean is bound as 1 or 0.
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
