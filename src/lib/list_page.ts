import type { Condition } from './where.ts'

/** The values of the sort columns of one row. No other row has the same values. */
export type Place = readonly (string | number)[]

/** Which part of a sorted list is read. */
export interface PageQuery<Sort extends string = string> {
  sort: Sort
  isDescending: boolean
  /** The page follows this place, or precedes it if `isBackwards`; null for the first page. */
  from: Place | null
  isBackwards: boolean
  limit: number
}

/** The number of rows of a list. Above a maximum it is the maximum and not exact. */
export interface Total {
  total: number
  isExact: boolean
}

/** A part of a list, in the order of the list. */
export interface Slice<R> {
  rows: R[]
  /** Whether the list has more rows in the direction of the query. */
  hasMore: boolean
  /** The last place that was read in the direction of the query, if it is not that of the last row. */
  readTo?: Place | null
}

/** The maximum of a counted total. It bounds the rows that a count reads. */
export const MAX_COUNTED = 10_000

/**
 * The condition and the end of a SELECT that reads a page, and one row more.
 *
 * @param columns The sort columns, constants of the code.
 */
export function pageSql(
  columns: readonly string[],
  { isDescending, from, isBackwards, limit }: PageQuery,
): { condition: Condition; end: string } {
  const isFalling = isDescending !== isBackwards
  const list = columns.join(', ')
  const places = columns.map(() => '?').join(', ')
  const order = columns.map((column) => `${column} ${isFalling ? 'DESC' : 'ASC'}`).join(', ')
  return {
    condition: [`(${list}) ${isFalling ? '<' : '>'} (${places})`, from],
    end: `ORDER BY ${order} LIMIT ${limit + 1}`,
  }
}

/** The page from the rows of a SELECT with the parts of `pageSql`. */
export function sliceOf<R>(
  rows: readonly R[],
  { limit, isBackwards }: Pick<PageQuery, 'limit' | 'isBackwards'>,
): Slice<R> {
  const shown = rows.slice(0, limit)
  return { rows: isBackwards ? shown.reverse() : shown, hasMore: rows.length > limit }
}

/** A total from a count of at most one row more than the maximum. */
export function toTotal(counted: number, max = MAX_COUNTED): Total {
  return { total: Math.min(counted, max), isExact: counted <= max }
}
