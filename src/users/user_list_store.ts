import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import {
  mergeSlices,
  type PageQuery,
  type Place,
  type Slice,
  sumTotals,
  type Total,
} from '../lib/list_page.ts'
import { callStore } from '../lib/storage_error.ts'
import { readList } from '../storage/list_store.ts'
import type { UserDatabases } from './user_databases_store.ts'
import { decodeUserRecord, type UserRecord } from './user_record.ts'

export interface UserFilter {
  /** A part of the username, the name or the email, folded by `foldText`. */
  text: string | null
  /** Normalised. */
  username: string | null
  id: string | null
  pool: string | null
  /** A pool whose users are not listed. */
  hiddenPool: string | null
  role: string | null
  enabled: boolean | null
}

/** The columns of each order of the list. `username` has an index, `created` has one after the pool. */
const ORDERS = { username: ['pool', 'username'], created: ['created_at', 'id'] } as const
const PLACES = {
  username: ({ pool, username }: UserRecord): Place => [pool, username],
  created: ({ createdAt, id }: UserRecord): Place => [createdAt, id],
}
export type UserSort = keyof typeof ORDERS

/** A row without a search text is found by its username, until the cron trigger has filled the column. */
const HAS_TEXT = '(instr(search, ?) > 0 OR (search IS NULL AND instr(username, ?) > 0))'

/**
 * All pools, each found by one step in the index of the usernames. A username is found by its pool, so without the pools the query
 * would read the whole index.
 */
const POOLS = `
  WITH RECURSIVE pools (pool) AS (
    SELECT min(pool) FROM users
    UNION ALL
    SELECT (SELECT min(pool) FROM users WHERE pool > pools.pool) FROM pools WHERE pools.pool IS NOT NULL
  ) SELECT pool FROM pools`
const POOLS_OF_USERS = `${POOLS} WHERE pool IS NOT NULL`
const poolsSchema = z.array(z.object({ pool: z.string() }))

interface ListRequest {
  page: PageQuery<UserSort>
  /** The total of the list; null to count it. */
  known: Total | null
}

interface Part {
  slice: Slice<UserRecord>
  total: Total
}

/** Lists and searches users for operators, in D1. */
export class UserListStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /**
   * Lists a page of users. A search by text reads a replica near the caller, because it can read a whole index, and the primary
   * takes the writes of sign-ins and refreshes. So it can miss the changes of the last moments. Users of several databases are read
   * at the same time from each of them, and merged. So are the users of all pools by creation, because its index begins with the pool.
   *
   * @param known The total of the list; null to count it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(filter: UserFilter, page: PageQuery<UserSort>, known: Total | null): Promise<Part> {
    const { id, pool } = filter
    const names = id === null ? this.#databases.namesFor(pool) : [this.#databases.nameOf(id)]
    const listed = await Promise.all(
      names.map((name) => listPools(this.#databases.named(name), filter, { page, known })),
    )
    const parts = listed.flat()
    const [first] = parts
    if (first !== undefined && parts.length === 1) return first
    const slices = parts.map(({ slice }) => slice)
    const total = known ?? sumTotals(parts.map((part) => part.total))
    return { slice: mergeSlices(slices, page, PLACES[page.sort]), total }
  }
}

/** The lists of each pool if the order needs them, else one list. */
async function listPools(db: D1Database, filter: UserFilter, request: ListRequest): Promise<Part[]> {
  const { id, username, pool, hiddenPool } = filter
  if (request.page.sort === 'username' || (id ?? username ?? pool) !== null)
    return [await listIn(db, filter, request)]
  const { results } = await callStore('D1 users', () => db.prepare(POOLS_OF_USERS).all())
  const pools = decodeRecord(poolsSchema, 'pools', results).filter((found) => found.pool !== hiddenPool)
  return Promise.all(pools.map((found) => listIn(db, { ...filter, pool: found.pool }, request)))
}

async function listIn(
  primary: D1Database,
  { text, username, id, pool, hiddenPool, role, enabled }: UserFilter,
  { page, known }: ListRequest,
): Promise<Part> {
  // SQLite would choose the shorter index of the usernames, and then read every row for its text.
  const searched = text !== null && id === null ? 'users INDEXED BY users_by_search' : 'users'
  const db = text === null ? primary : primary.withSession('first-unconstrained')
  const { slice, total } = await readList(db, {
    columns: '*',
    table: page.sort === 'username' ? searched : 'users',
    countedTable: searched,
    conditions: [
      [HAS_TEXT, text === null ? null : [text, text]],
      [`pool IN (${POOLS}) AND username = ?`, username],
      ['id = ?', id],
      ['pool = ?', pool],
      ['pool <> ?', hiddenPool],
      ['EXISTS (SELECT 1 FROM json_each(roles) WHERE value = ?)', role],
      ['enabled = ?', enabled],
    ],
    order: ORDERS[page.sort],
    page,
    known,
  })
  return { slice: { ...slice, rows: slice.rows.map(decodeUserRecord) }, total }
}
