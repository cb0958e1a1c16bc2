import type { Form } from '../pages/form.ts'
import { formatQuery } from './admin_client.ts'

/** The number of the first or the last item of a page, from 1. */
export type Edge = { first: number } | { last: number }

/** The URL of a list: its filters, its order and its page. */
export interface ListAddress {
  /** Below /console. */
  path: string
  filter: Readonly<Record<string, string>>
  /** A value of `sort` of the admin API. */
  sort: string
  /** The value of `sort` of a URL without one. */
  defaultSort: string
  /** Empty for the first page. */
  cursor: string
  /** Null if the URL has a cursor without a valid number. */
  edge: Edge | null
}

/** The parameters of a URL that are not filters. */
const OTHERS = ['sort', 'cursor', 'first', 'last']

/** Reads a URL. The caller reads its filters. */
export function readListAddress(
  query: Form,
  { path, filter, defaultSort }: Pick<ListAddress, 'path' | 'filter' | 'defaultSort'>,
): ListAddress {
  const [sort = '', cursor = '', first = '', last = ''] = OTHERS.map((name) => query.text(name))
  const edge = edgeOf(first, last)
  return {
    path,
    filter,
    sort: sort === '' ? defaultSort : sort,
    defaultSort,
    cursor,
    edge: cursor === '' ? { first: 1 } : edge,
  }
}

function edgeOf(first: string, last: string): Edge | null {
  const number = /^[1-9]\d{0,8}$/
  if (number.test(first)) return { first: Number(first) }
  return number.test(last) ? { last: Number(last) } : null
}

/** The URL of the first page of the list, below /console. */
export function firstPageOf({ path, filter, sort, defaultSort }: ListAddress): string {
  return path + formatQuery({ ...filter, sort: sort === defaultSort ? '' : sort })
}

/** The URL of another page of the list, below /console. */
export function pageAt({ path, filter, sort, defaultSort }: ListAddress, cursor: string, edge: Edge | null) {
  return path + formatQuery({ ...filter, sort: sort === defaultSort ? '' : sort, cursor, ...edge })
}

/** The numbers of the first and the last item of a page. The last one of an empty page is the number before the first one. */
export interface Position {
  first: number
  last: number
}

/** @returns null if the URL has no position */
export function positionOf({ edge }: Pick<ListAddress, 'edge'>, count: number): Position | null {
  if (edge === null) return null
  // The first page can have new items since the URL was made.
  const first = 'first' in edge ? edge.first : Math.max(1, edge.last - count + 1)
  return { first, last: first + count - 1 }
}
