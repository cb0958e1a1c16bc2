import { foldUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import { foldText } from '../lib/fold_text.ts'
import { text } from '../lib/input_schemas.ts'
import type { PageQuery } from '../lib/list_page.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'
import { describeSession } from './session_end.ts'
import { findSession } from './sessions.ts'

/** The most results of one type. */
const MAX_OF_A_TYPE = 5

/** The id of a session: the name of its shard, a dot and 128 random bits. */
const SID = /^[^.\s]+\.[\w-]{22}$/

/** A client id or a key id is found by its beginning of this length. */
const SHORTEST_KEY_PART = 4

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

export const searchResultsSchema = named('SearchResults', z.strictObject({ items: z.array(foundSchema) }))

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
    const found = await Promise.all([
      findUsers(q, call),
      findClients(q, call),
      findSessionOf(q, call),
      findKeys(q, call),
    ])
    return { body: { items: found.flat() } }
  },
})

export const SEARCH: readonly Operation[] = [search]

function pageOf<Sort extends string>(sort: Sort): PageQuery<Sort> {
  return { sort, isDescending: false, from: null, isBackwards: false, limit: MAX_OF_A_TYPE }
}

/** Totals are not needed here. */
const NOT_COUNTED = { total: 0, isExact: false }

/** The users with exactly this id or username come first. */
async function findUsers(q: string, { services: { userList } }: Call): Promise<Found[]> {
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
  return [...users.values()]
    .slice(0, MAX_OF_A_TYPE)
    .map(({ id, username, pool }) => ({ type: 'user', id, name: username, detail: pool }))
}

async function findClients(q: string, { services: { clientList } }: Call): Promise<Found[]> {
  const filter = { text: q, api: null, enabled: null }
  const { slice } = await clientList.list(filter, pageOf('id'), NOT_COUNTED)
  return slice.rows.map(({ id, name, api }) => ({ type: 'client', id, name, detail: api }))
}

async function findSessionOf(q: string, call: Call): Promise<Found[]> {
  const session = SID.test(q) ? await findSession(q, call.services) : null
  if (session === null) return []
  const { session: shown } = await describeSession(session, call)
  return [{ type: 'session', id: shown.sid, name: shown.subject_name, detail: shown.state }]
}

async function findKeys(q: string, { services, context }: Call): Promise<Found[]> {
  if (q.length < SHORTEST_KEY_PART) return []
  const keys = await services.keyLife.list(context)
  return keys
    .filter(({ kid }) => kid.startsWith(q))
    .slice(0, MAX_OF_A_TYPE)
    .map(({ kid, state }) => ({ type: 'key', id: kid, name: null, detail: state }))
}
