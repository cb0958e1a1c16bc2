import { wordOfState } from '@sallyport/formats/session_ending'
import type * as z from 'zod/mini'
import { type foundSchema, SHORTEST_KEY_PART, searchResultsSchema } from '../admin/search.ts'
import { foldText } from '../lib/fold_text.ts'
import { formatQuery, pathOf } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { goTo, type Page, type PageRequest } from './page.ts'
import { Empty, Heading, Link, ProblemNote } from './parts.tsx'
import { nameOrId } from './subject.tsx'
import { Table } from './table.tsx'
import { wordOfKeyState } from './tones.tsx'

export const SEARCH_PATH = '/search'

type Found = z.output<typeof foundSchema>
type Results = z.output<typeof searchResultsSchema>

/** The results of the search box of every page. */
export const searchPage: Page = {
  method: 'GET',
  path: SEARCH_PATH,
  role: 'support',
  async handle(request) {
    const q = request.query.text('q').trim()
    const found = await search(request, q)
    if (found instanceof AdminProblem) {
      return { title: 'Search', status: found.status, body: <Refused q={q} problem={found} /> }
    }
    const [only] = found.items
    if (only !== undefined && found.items.length === 1 && isExact(only, q)) return goTo(pathOfFound(only))
    return { title: 'Search', body: <FoundResults q={q} found={found} /> }
  },
}

/** Searches for a text. @returns the results; the refusal of a text that is too long */
async function search({ admin }: PageRequest, q: string): Promise<Results | AdminProblem> {
  if (q === '') return { items: [], more: [] }
  try {
    return await admin.read('/search', searchResultsSchema, { q })
  } catch (error) {
    if (error instanceof AdminProblem && error.status === 400) return error
    throw error
  }
}

function isExact({ id, name }: Found, q: string): boolean {
  return id === q || (name !== null && foldText(name) === foldText(q))
}

function Refused({ q, problem }: { q: string; problem: AdminProblem }) {
  return (
    <>
      <Heading title="Search" lead={leadOf(q)} />
      <ProblemNote problem={problem} />
    </>
  )
}

function FoundResults({ q, found: { items, more } }: { q: string; found: Results }) {
  return (
    <>
      <Heading title="Search" lead={leadOf(q)} actions={<Lists q={q} found={items} />} />
      {items.length === 0 ? (
        <Empty title={q === '' ? 'Enter a search text' : 'No results'}>
          The search finds any part of a username, name or email of a user and of the id or name of a client,
          a whole session id, and the beginning of a key id, of at least {SHORTEST_KEY_PART} characters.
        </Empty>
      ) : (
        <>
          <FoundTable found={items} />
          {more.map((type) => (
            <p class="soft">{moreOf(type, items)}</p>
          ))}
        </>
      )}
    </>
  )
}

/** Such as `The table has the first 5 users. More users match.` */
function moreOf(type: Found['type'], found: readonly Found[]): string {
  const count = found.filter((item) => item.type === type).length
  const names = `${TYPES[type].toLowerCase()}s`
  return `The table has the first ${count} ${names}. More ${names} match.`
}

function leadOf(q: string): string {
  return q === '' ? 'Users, clients, sessions and keys.' : `Results for “${q}”.`
}

/** Links to the lists with the same text. The search shows only the first results of each type. */
function Lists({ q, found }: { q: string; found: readonly Found[] }) {
  if (/^(?:user|visitor):/.test(q)) return <Related query={{ subject: q }} />
  const has = (wanted: Found['type']) => found.some(({ type }) => type === wanted)
  return (
    <>
      {has('user') ? <Link to={`/users${formatQuery({ q })}`}>All matching users</Link> : null}
      {has('client') ? <Link to={`/clients${formatQuery({ q })}`}>All matching clients</Link> : null}
    </>
  )
}

const TYPES = { user: 'User', client: 'Client', session: 'Session', key: 'Key' } as const

function FoundTable({ found }: { found: readonly Found[] }) {
  return (
    <Table
      caption="Search results"
      columns={['Result', 'Type', 'Pool, API or state', 'Links']}
      rows={found.map((item) => [
        <>
          <Link to={pathOfFound(item)} title={item.id}>
            {nameOrId(item)}
          </Link>
          {item.name === null || item.name === item.id ? null : <span class="under">{item.id}</span>}
        </>,
        TYPES[item.type],
        detailOf(item),
        linksOf(item),
      ])}
    />
  )
}

/** The pool, the API or the state, in the words of the other pages. */
function detailOf({ type, detail }: Found): string {
  if (type === 'session') return wordOfState(detail)
  return type === 'key' ? wordOfKeyState(detail) : detail
}

function pathOfFound({ type, id }: Found): string {
  return {
    user: pathOf`/users/${id}`,
    client: pathOf`/clients/${id}`,
    session: pathOf`/sessions/${id}`,
    key: pathOf`/keys#${id}`,
  }[type]
}

function linksOf({ type, id }: Found) {
  if (type === 'user') return <Related query={{ subject: id }} />
  if (type === 'client') return <Related query={{ client_id: id }} />
  return type === 'session' ? <Link to={`/audit${formatQuery({ sid: id })}`}>Events</Link> : null
}

/** Links to the sessions and the audit events of a user or a client. */
function Related({ query }: { query: Readonly<Record<string, string>> }) {
  return (
    <span class="links">
      <Link to={`/sessions${formatQuery(query)}`}>Sessions</Link>
      <Link to={`/audit${formatQuery(query)}`}>Events</Link>
    </span>
  )
}
