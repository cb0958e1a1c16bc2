import type { Child } from 'hono/jsx'
import type { ZodMiniType } from 'zod/mini'
import type { ShownPage } from '../admin/paging.ts'
import { compact } from '../lib/compact.ts'
import type { Form } from '../pages/form.ts'
import type { AdminClient, Query } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { formatCount } from './format.ts'
import { firstPageOf, type ListAddress, pageAt, positionOf } from './list_address.ts'
import type { PageContent } from './page.ts'
import { Link, ProblemNote } from './parts.tsx'
import { type Filter, labelOf, SearchForm } from './search_form.tsx'
import type { ColumnSort } from './table.tsx'

interface ListRequest extends Pick<ListAddress, 'path' | 'sort' | 'cursor'> {
  filter: Query
}

/**
 * Reads the page of a list that a URL asks for.
 *
 * @returns the refusal of a filter that is not valid
 * @throws AdminProblem for any other refusal
 */
export async function readList<P extends ShownPage<unknown>>(
  admin: AdminClient,
  { path, filter, sort, cursor }: ListRequest,
  schema: ZodMiniType<P>,
): Promise<P | AdminProblem> {
  try {
    return await admin.read(path, schema, { ...filter, sort, cursor })
  } catch (error) {
    if (error instanceof AdminProblem && error.status === 400) return error
    throw error
  }
}

interface ListProps<T> {
  address: ListAddress
  query: Form
  filters: readonly Filter[]
  /** Content between the filters and the items. */
  note?: Child
  /** Null for a page without items, if the note replaces them. */
  page: ShownPage<T> | AdminProblem | null
  /** The content of an empty page. */
  empty: Child
  table(items: readonly T[]): Child
}

/** A page with a list: filters, the position in the list, the items, and links to other pages. */
export function showList<T>(title: string, heading: Child, list: ListProps<T>): PageContent {
  const { address, query, filters, note = null, page } = list
  const isRefused = page instanceof AdminProblem
  return compact({
    title,
    status: isRefused ? page.status : undefined,
    body: (
      <>
        {heading}
        <SearchForm address={address} query={query} filters={filters} />
        {note}
        {isRefused ? <ProblemNote problem={inWordsOf(filters, page)} fields={filters.map(labelOf)} /> : null}
        {isRefused || page === null ? null : <Items list={list} page={page} />}
      </>
    ),
  })
}

/** The refusal of a search. A choice has titles in the form, and its values are names of the API. */
function inWordsOf(filters: readonly Filter[], problem: AdminProblem): AdminProblem {
  const choices = filters.filter(({ options }) => options !== undefined).map(({ name }) => name)
  return problem.withMessage(choices, 'Select a value of the list.')
}

function Items<T>({ list: { address, empty, table }, page }: { list: ListProps<T>; page: ShownPage<T> }) {
  return (
    <>
      <PositionText address={address} page={page} />
      {page.items.length === 0 ? empty : table(page.items)}
      <Pager address={address} page={page} />
    </>
  )
}

interface PageProps {
  address: ListAddress
  page: ShownPage<unknown>
}

/** The position of the page in the list, such as `1–50 of 1,204`. */
function PositionText({ address, page }: PageProps) {
  const position = positionOf(address, page.items.length)
  if (position === null || page.items.length === 0) return null
  const more = page.next_cursor === null ? '' : ', with more on the next page'
  const total = page.total === null ? more : ` of ${formatCount(page.total)}${page.total_is_exact ? '' : '+'}`
  return <p class="position">{`${formatCount(position.first)}–${formatCount(position.last)}${total}`}</p>
}

function Pager({ address, page }: PageProps) {
  const { next_cursor: next, previous_cursor: previous } = page
  if (next === null && previous === null) return null
  const position = positionOf(address, page.items.length)
  const before = position === null || position.first === 1 ? null : { last: position.first - 1 }
  const after = position === null ? null : { first: position.last + 1 }
  return (
    <nav class="pager" aria-label="Pages">
      {previous === null ? null : (
        <>
          <Link to={firstPageOf(address)}>First page</Link>
          <Link to={pageAt(address, previous, before)}>Previous page</Link>
        </>
      )}
      {next === null ? (
        <span class="soft">No more results.</span>
      ) : (
        <Link to={pageAt(address, next, after)}>Next page</Link>
      )}
    </nav>
  )
}

/**
 * The links that sort a table.
 *
 * @param sorts The value of `sort` for the first use of each link, by the name of the column. The next use reverses the order.
 */
export function sortsOf(
  address: ListAddress,
  sorts: Readonly<Record<string, string>>,
): Record<string, ColumnSort> {
  const direction = address.sort.startsWith('-') ? 'descending' : 'ascending'
  return Object.fromEntries(
    Object.entries(sorts).map(([column, sort]) => [
      column,
      {
        to: firstPageOf({ ...address, sort: sort === address.sort ? reverse(sort) : sort }),
        direction: sort === address.sort || sort === reverse(address.sort) ? direction : null,
      },
    ]),
  )
}

function reverse(sort: string): string {
  return sort.startsWith('-') ? sort.slice(1) : `-${sort}`
}
