import * as z from 'zod/mini'
import type { PageQuery, Place, Slice, Total } from '../lib/list_page.ts'
import { DEFAULT_LIMIT, formatCursor, parseCursor } from './schemas.ts'

/** How rows are ordered by one value of `sort`. */
export interface ListOrder<R> {
  /** The values of the sort columns of a row. */
  placeOf(row: R): Place
  /** The schema of these values in a cursor. */
  place: z.ZodMiniType<Place>
}

/** The orders of a list, by the names in `sort`. */
export type ListOrders<R, Sort extends string> = Readonly<Record<Sort, ListOrder<R>>>

/** A page that a request asks for. */
export interface PageRequest<Sort extends string> {
  page: PageQuery<Sort>
  /** The total that the first page counted; null if it is to be counted. */
  total: Total | null
}

interface PageParameters {
  limit?: number | undefined
  cursor?: string | undefined
  sort?: string | undefined
}

/** The query parameter `sort`: a name of an order, or `-` and the name for the reverse order. */
export function sortParameter<Sort extends string>(names: readonly Sort[]) {
  const values = names.flatMap((name) => [name, `-${name}`])
  return z.optional(z.enum(values, `must be one of ${values.join(', ')}`))
}

/**
 * Reads the page that a request asks for. A cursor belongs to one order, and has the total of the list.
 *
 * @param defaultSort The value of `sort` if the request has none.
 * @throws Problem if the cursor is not a cursor of this list and order
 */
export function readPage<R, Sort extends string>(
  { limit = DEFAULT_LIMIT, cursor, sort: given }: PageParameters,
  orders: ListOrders<R, Sort>,
  defaultSort: Sort | `-${Sort}`,
): PageRequest<Sort> {
  const text = given ?? defaultSort
  const isDescending = text.startsWith('-')
  const sort = (isDescending ? text.slice(1) : text) as Sort
  const found = parseCursor(cursorSchema(text, orders[sort].place), cursor)
  const page = {
    sort,
    isDescending,
    limit,
    from: found?.from ?? null,
    isBackwards: found?.isBackwards ?? false,
  }
  return { page, total: found?.total ?? null }
}

function cursorSchema(sort: string, place: z.ZodMiniType<Place>) {
  return z.strictObject({
    sort: z.literal(sort),
    from: place,
    isBackwards: z.boolean(),
    total: z.nullable(z.strictObject({ total: z.int().check(z.gte(0)), isExact: z.boolean() })),
  })
}

/** The members of a page in JSON. */
export interface ShownPage<T> {
  items: T[]
  total: number | null
  total_is_exact: boolean
  next_cursor: string | null
  previous_cursor: string | null
}

/** Makes a page in JSON from the rows of a store. */
export function showPage<R, T, Sort extends string>(
  { rows, hasMore, readTo = null }: Slice<R>,
  { page, total }: { page: PageQuery<Sort>; total: Total | null },
  { placeOf, show }: { placeOf: (row: R) => Place; show: (row: R) => T },
): ShownPage<T> {
  const { isBackwards, isDescending, from } = page
  const sort = isDescending ? `-${page.sort}` : page.sort
  const cursorAt = (row: R | undefined, backwards: boolean) => {
    const edge = row === undefined ? from : placeOf(row)
    const place = backwards === isBackwards ? (readTo ?? edge) : edge
    return formatCursor({ sort, from: place, isBackwards: backwards, total })
  }
  // A cursor comes from a neighbouring page, which is in the opposite direction. A request for the first page has no cursor.
  const hasNext = isBackwards || hasMore
  const hasPrevious = isBackwards ? hasMore : from !== null
  return {
    items: rows.map(show),
    total: total?.total ?? null,
    total_is_exact: total?.isExact ?? false,
    next_cursor: hasNext ? cursorAt(rows.at(-1), false) : null,
    previous_cursor: hasPrevious ? cursorAt(rows[0], true) : null,
  }
}
