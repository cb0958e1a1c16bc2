import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { formatCursor } from '../../src/admin/schemas.ts'
import { SEARCH_COST } from '../../src/clients/caller_budget.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { type TestCaller, TestOperator } from '../support/operator.ts'
import { emptyStores, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

/** How a table is read: by the first filter that the request has. A plan of the table must contain the text. */
type Reads = readonly (readonly [filter: string, plan: string])[]

interface ListCase {
  /** A value of each filter of the list. */
  filters: Readonly<Record<string, string>>
  /** A place of each order. */
  places: Readonly<Record<string, readonly unknown[]>>
  tables: Readonly<Record<string, Reads>>
  /** A request with one of these filters is no search. */
  indexed: readonly string[]
}

const EVENTS: Reads = [
  ['sid', 'audit_events_by_session (sid=?'],
  ['subject', 'audit_events_by_subject (subject=?'],
  ['actor', 'audit_events_by_actor (actor=?'],
  ['kind', 'audit_events_by_rare_kind (kind=?'],
  ['client_id', 'audit_events_by_client (client_id=?'],
]

const CASES: Readonly<Record<string, ListCase>> = {
  listUsers: {
    filters: { id: 'user:x', username: 'x', pool: 'customers', q: 'x', role: 'support', enabled: 'true' },
    places: { username: ['customers', 'x'], created: [1, 'user:x'] },
    tables: {
      users: [
        ['id', '(id=?'],
        ['username', '(pool=? AND username=?'],
        ['pool', '(pool=?'],
      ],
    },
    indexed: ['id', 'username', 'pool'],
  },
  listClients: {
    filters: { q: 'x', api: 'storefront', enabled: 'true' },
    places: { id: ['x'], name: ['x', 'x'], created: [1, 'x'] },
    tables: { clients: [] },
    // A shop has few clients.
    indexed: ['q', 'api', 'enabled'],
  },
  listSessions: {
    filters: { subject: 'user:x', client_id: 'x', live: 'false' },
    places: { started: [1, 's1.x'] },
    tables: {
      sessions: [
        ['subject', 'sessions_by_subject (subject=?'],
        ['client_id', 'sessions_by_client (client_id=?'],
      ],
      audit_events: EVENTS,
    },
    indexed: ['subject', 'client_id'],
  },
  listAudit: {
    filters: {
      subject: 'user:x',
      client_id: 'x',
      sid: 's1.x',
      actor: 'user:y',
      kind: 'theft',
      outcome: 'ok',
      grant: 'password',
      api: 'storefront',
      by_operator: 'false',
      from: '1',
      to: '9',
    },
    places: { time: [1, 1] },
    tables: { audit_events: EVENTS },
    indexed: ['subject', 'client_id', 'sid', 'actor'],
  },
}

/** Filters that never make a request a search: a time is read by the index, and `live` reads no other rows. */
const RANGES = ['from', 'to', 'live']

/** The most filters of one request: filters compete for an index in pairs. */
const MAX_FILTERS = 2

function combinationsOf(names: readonly string[]): string[][] {
  const sets: string[][] = [[]]
  for (const name of names) sets.push(...sets.map((set) => [...set, name]))
  return sets.filter(({ length }) => length <= MAX_FILTERS)
}

/** The query parameters of an operation, by their names. */
function parametersOf({ query }: (typeof OPERATIONS)[number]): string[] {
  return query !== undefined && 'shape' in query ? Object.keys(query.shape as object) : []
}

/** The statements of lists and counts. Others read rows by their keys. */
const isOfList = (sql: string) => /\bLIMIT [\d?]+\)?$/.test(sql.trim())

interface Plan {
  steps: string[]
  /** Whether the statement sorts all rows that it finds. Subqueries of a row may sort. */
  isSorted: boolean
}

const plans = new Map<string, Promise<Plan>>()

const SORT = 'USE TEMP B-TREE FOR ORDER BY'

/** The plan of a statement. It takes no parameters. */
function planOf(sql: string): Promise<Plan> {
  const known = plans.get(sql)
  if (known !== undefined) return known
  const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d*/g, "'x'")}`)
    .all<{ parent: number; detail: string }>()
    .then(({ results }) => ({
      steps: results.map(({ detail }) => detail),
      isSorted: results.some(({ parent, detail }) => parent === 0 && detail === SORT),
    }))
  plans.set(sql, plan)
  return plan
}

/** The server of the requests, the statements of the last one, and whether it was a search. */
function observe() {
  const seen = { statements: [] as string[], isSearch: false }
  const DB = aroundD1((sql, call) => {
    seen.statements.push(...sql.split(';\n'))
    return call()
  })
  const server = new TestServer({ env: { DB } })
  vi.spyOn(server.services.callerBudget, 'take').mockImplementation((_caller, cost) => {
    seen.isSearch ||= cost === SEARCH_COST
    return 0
  })
  return { server, seen }
}

/** The requests of a list: each combination of filters, on the first page and on a later one, in each order. */
function* requestsOf({ filters, places }: ListCase) {
  for (const names of combinationsOf(Object.keys(filters))) {
    const given = names.map((name) => [name, filters[name] ?? ''])
    for (const [order, from] of Object.entries(places)) {
      const sort = order === 'time' || order === 'started' ? `-${order}` : order
      yield { names, sort: order, query: new URLSearchParams([...given, ['sort', sort]]) }
      const cursor = formatCursor({ sort, from, isBackwards: false, total: null })
      yield { names, sort: order, query: new URLSearchParams([...given, ['sort', sort], ['cursor', cursor]]) }
    }
  }
}

/** What is wrong with the plan of a statement. */
function faultsOf({ steps, isSorted }: Plan, expected: string | undefined): string[] {
  // The filters find at most one user of each pool.
  if (steps.some((step) => /\((?:id|pool=\? AND username)=\?/.test(step))) return []
  const isExpected = expected === undefined || steps.some((step) => step.includes(expected))
  return [...(isSorted ? [SORT] : []), ...(isExpected ? [] : [`not by ${expected}`])].map(
    (fault) => `${fault}: ${steps.join(' | ')}`,
  )
}

/** Whether a request can pass over any number of rows. */
function needsSearch({ indexed }: ListCase, names: readonly string[]): boolean {
  return names.some((name) => !RANGES.includes(name)) && !names.some((name) => indexed.includes(name))
}

/** Checks the statements of a request that read the tables of a list. */
async function findFaults(
  { tables }: ListCase,
  names: readonly string[],
  statements: readonly string[],
): Promise<{ read: number; faults: string[] }> {
  const reads = statements.filter(isOfList).flatMap((sql) =>
    Object.entries(tables)
      .filter(([table]) => new RegExp(`FROM ${table}\\b`).test(sql))
      .map(([, filters]) => ({ sql, expected: filters.find(([name]) => names.includes(name))?.[1] })),
  )
  const faults = await Promise.all(
    reads.map(async ({ sql, expected }) => faultsOf(await planOf(sql), expected)),
  )
  return { read: reads.length, faults: faults.flat() }
}

describe('the query plans of the lists of the admin API', () => {
  beforeAll(emptyStores)

  it('each list with orders has a case with all of its filters and orders', () => {
    const lists = OPERATIONS.filter((operation) => parametersOf(operation).includes('sort'))
    const paging = ['limit', 'cursor', 'sort']
    const filtersOf = (list: (typeof OPERATIONS)[number]) =>
      parametersOf(list).filter((name) => !paging.includes(name))
    expect(Object.fromEntries(lists.map((list) => [list.id, filtersOf(list).sort()]))).toEqual(
      Object.fromEntries(Object.entries(CASES).map(([id, { filters }]) => [id, Object.keys(filters).sort()])),
    )
  })

  it.each(Object.entries(CASES))(
    '%s reads the index of its narrowest filter in the order of the list, or it is a search',
    async (id, list) => {
      const { server, seen } = observe()
      const path = OPERATIONS.find((operation) => operation.id === id)?.path ?? ''
      const callers: TestCaller[] = [
        await TestOperator.signIn(server),
        await TestServiceAccount.withScopes(server, [
          'users:read',
          'clients:read',
          'sessions:read',
          'audit:read',
        ]),
      ]
      const faults = new Set<string>()
      let read = 0
      for (const caller of callers) {
        for (const { names, sort, query } of requestsOf(list)) {
          Object.assign(seen, { statements: [], isSearch: false })
          const { status, body } = await caller.get(`${path}?${query}`)
          expect([200, 403], JSON.stringify([`${query}`, body])).toContain(status)
          const isSearch = seen.isSearch || status === 403
          if (needsSearch(list, names) && !isSearch) faults.add(`${query} is not a search`)
          const found = await findFaults(list, names, seen.statements)
          read += found.read
          for (const fault of found.faults) faults.add(`${names} by ${sort}: ${fault}`)
        }
      }
      expect([...faults]).toEqual([])
      expect(read).toBeGreaterThan(0)
    },
  )
})
