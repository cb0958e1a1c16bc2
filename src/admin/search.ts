import { foldUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import { foldText } from '../lib/fold_text.ts'
import { text } from '../lib/input_schemas.ts'
import type { PageQuery } from '../lib/list_page.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { viewerOf } from './permissions.ts'
import { named } from './schemas.ts'
import { describeSession } from './session_end.ts'
import { findSession } from './sessions.ts'

/** The most results of one type. */
const MAX_OF_A_TYPE = 5

/** The id of a session: the name of its shard, a dot and 128 random bits. */
const SID = /^[^.\s]+\.[\w-]{22}$/

/** A key id is found by its beginning of this length. */
export const SHORTEST_KEY_PART = 4

export const foundSchema = named(
  'Found',
  z.strictObject({
    type: z.enum(['user', 'client', 'session', 'key']),
    id: z.string(),
    /** The username, the name of a client, or the username of a session's user. */
    name: z.nullable(z.string()),
    /** The pool of a user, the API of a client, or the state of a session or a key. */
    detail: z.string(),
  }),
)
type Found = z.output<typeof foundSchema>

export const searchResultsSchema = named(
  'SearchResults',
  z.strictObject({
    items: z.array(foundSchema),
    /** The types with more results than the search returns. */
    more: z.array(foundSchema.shape.type),
  }),
)

/** The results of one type. */
interface Part {
  items: Found[]
  hasMore: boolean
}

const search = operation({
  id: 'search',
  method: 'GET',
  path: '/search',
  summary:
    'Finds users by any part of the username, name or email, clients by id or name, sessions by id and keys by the beginning of the id',
  tag: 'users',
  role: 'support',
  // The results are of several scopes.
  scope: null,
  query: z.strictObject({ q: text(255) }),
  isSearch: () => true,
  status: 200,
  response: searchResultsSchema,
  async handle(call) {
    const q = call.query.q.trim()
    const parts = await Promise.all([
      findUsers(q, call),
      findClients(q, call),
      findSessionOf(q, call),
      findKeys(q, call),
    ])
    const more = parts.flatMap(({ items: [first], hasMore }) => (first && hasMore ? [first.type] : []))
    return { body: { items: parts.flatMap(({ items }) => items), more } }
  },
})

export const SEARCH: readonly Operation[] = [search]

function pageOf<Sort extends string>(sort: Sort): PageQuery<Sort> {
  return { sort, isDescending: false, from: null, isBackwards: false, limit: MAX_OF_A_TYPE }
}

const NONE: Part = { items: [], hasMore: false }

/** The operation has taken the cost of a search. */
const PAID = { subject: null, beforeSearch: () => {} }

/** Totals are not needed here. */
const NOT_COUNTED = { total: 0, isExact: false }

/** The users with exactly this id or username come first. */
async function findUsers(q: string, { services: { userList } }: Call): Promise<Part> {
  const none = {
    text: null,
    username: null,
    id: null,
    pool: null,
    hiddenPool: null,
    role: null,
    enabled: null,
  }
  const isId = q.startsWith('user:')
  const filters = isId
    ? [{ ...none, id: q }]
    : [
        { ...none, username: foldUsername(q) },
        { ...none, text: foldText(q) },
      ]
  const lists = await Promise.all(
    filters.map((filter) => userList.list(filter, pageOf('username'), NOT_COUNTED)),
  )
  const users = new Map(lists.flatMap(({ slice }) => slice.rows).map((user) => [user.id, user]))
  const found = [...users.values()].map(
    ({ id, username, pool }): Found => ({ type: 'user', id, name: username, detail: pool }),
  )
  return firstOf(
    found,
    lists.some(({ slice }) => slice.hasMore),
  )
}

async function findClients(q: string, { services: { clientList } }: Call): Promise<Part> {
  const filter = { text: q, api: null, enabled: null }
  const { slice } = await clientList.list(filter, pageOf('id'), NOT_COUNTED)
  const items = slice.rows.map(({ id, name, api }): Found => ({ type: 'client', id, name, detail: api }))
  return { items, hasMore: slice.hasMore }
}

async function findSessionOf(q: string, call: Call): Promise<Part> {
  const session = SID.test(q) ? await findSession(q, PAID, call.services) : null
  if (session === null) return NONE
  const { session: shown } = await describeSession(session, viewerOf(call))
  const { sid: id, subject_name: name, state: detail } = shown
  return { items: [{ type: 'session', id, name, detail }], hasMore: false }
}

async function findKeys(q: string, { services, context }: Call): Promise<Part> {
  if (q.length < SHORTEST_KEY_PART) return NONE
  const keys = await services.keyLife.list(context)
  return firstOf(
    keys
      .filter(({ kid }) => kid.startsWith(q))
      .map(({ kid, state }): Found => ({ type: 'key', id: kid, name: null, detail: state })),
  )
}

function firstOf(found: readonly Found[], hasMore = false): Part {
  return { items: found.slice(0, MAX_OF_A_TYPE), hasMore: hasMore || found.length > MAX_OF_A_TYPE }
}
