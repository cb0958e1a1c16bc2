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

/**
 * The page of a list whose rows are in several stores, from the slices of the same page of each store.
 *
 * @param placeOf The values of the sort columns.
 */
export function mergeSlices<R>(
  slices: readonly Slice<R>[],
  { limit, isBackwards, isDescending }: PageQuery,
  placeOf: (row: R) => Place,
): Slice<R> {
  const direction = isDescending ? -1 : 1
  const rows = slices
    .flatMap((slice) => slice.rows)
    .sort((a, b) => direction * comparePlaces(placeOf(a), placeOf(b)))
  const hasMore = rows.length > limit || slices.some((slice) => slice.hasMore)
  return { rows: isBackwards ? rows.slice(-limit) : rows.slice(0, limit), hasMore }
}

/** Compares as SQLite does: numbers by value, and texts by code points. */
export function comparePlaces(a: Place, b: Place): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? ''
    const order = typeof value === 'number' ? value - Number(other) : compareTexts(value, String(other))
    if (order !== 0) return order
  }
  return 0
}

/** UTF-16 code units have another order than code points only from U+D800. */
function compareTexts(a: string, b: string): number {
  const [points, others] = [[...a], [...b]]
  for (const [i, point] of points.entries()) {
    const difference = (point.codePointAt(0) ?? 0) - (others[i]?.codePointAt(0) ?? -1)
    if (difference !== 0) return difference
  }
  return points.length - others.length
}

/** The total of several lists. */
export function sumTotals(totals: readonly Total[]): Total {
  const { total, isExact } = toTotal(totals.reduce((sum, part) => sum + part.total, 0))
  return { total, isExact: isExact && totals.every((part) => part.isExact) }
}

/** A total from a count of at most one row more than the maximum. */
export function toTotal(counted: number, max = MAX_COUNTED): Total {
  return { total: Math.min(counted, max), isExact: counted <= max }
}
