import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { UserDatabases } from '../../src/users/user_databases_store.ts'
import { UserListStore } from '../../src/users/user_list_store.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { problem, type TestCaller, TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'
import { databaseOf } from '../support/user_databases.ts'

type Item = Record<string, unknown>

interface ListPage {
  items: Item[]
  total: number | null
  total_is_exact: boolean
  next_cursor: string | null
  previous_cursor: string | null
}

async function read(operator: TestCaller, path: string): Promise<ListPage> {
  const { status, body } = await operator.get(path)
  expect([status, body]).toEqual([200, expect.anything()])
  return body as unknown as ListPage
}

/** Reads every page forwards, then every page backwards from the last one. */
async function walk(operator: TestCaller, path: string) {
  const forwards: ListPage[] = [await read(operator, path)]
  for (let page = forwards[0]; page?.next_cursor; page = forwards.at(-1)) {
    forwards.push(await read(operator, `${path}&cursor=${page.next_cursor}`))
  }
  const backwards: ListPage[] = []
  for (let page = forwards.at(-1); page?.previous_cursor; page = backwards[0]) {
    backwards.unshift(await read(operator, `${path}&cursor=${page.previous_cursor}`))
  }
  return { forwards, backwards }
}

const itemsOf = (pages: readonly ListPage[]) => pages.flatMap(({ items }) => items)

interface ListCase {
  path: string
  id: string
  order: readonly (readonly [sort: string, members: readonly string[]])[]
}

describe('the lists of the admin API', () => {
  it('every list is read in both directions, in each order, with its total', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const mark = crypto.randomUUID().slice(0, 8)
    const client = await server.addClient()
    const user = await server.addUser()
    for (let i = 0; i < 7; i++) {
      // Two of each are from the same second.
      server.clock.time += i % 2
      await server.addUser({ username: `${(i * 3) % 7}.${mark}@shop.test` })
      await server.addClient({ id: `${mark}-${(i * 3) % 7}`, name: `Shop ${(i * 2) % 7}` })
      const { refresh_token } = await server.signIn(client, user.username)
      if (i % 3 === 0) await server.refresh(client, refresh_token)
    }
    const cases: ListCase[] = [
      {
        path: `/users?q=${mark}`,
        id: 'id',
        order: [
          ['username', ['pool', 'username']],
          ['created', ['created_at', 'id']],
        ],
      },
      {
        path: `/clients?q=${mark}`,
        id: 'client_id',
        order: [
          ['id', ['client_id']],
          ['name', ['name', 'client_id']],
          ['created', ['created_at', 'client_id']],
        ],
      },
      { path: `/sessions?subject=${user.id}`, id: 'sid', order: [['started', ['started_at', 'sid']]] },
      { path: `/audit?subject=${user.id}&kind=issue`, id: 'id', order: [['time', ['at', 'id']]] },
    ]
    for (const { path, id, order } of cases) {
      for (const [sort, members] of order) {
        for (const sign of ['', '-']) {
          const { forwards, backwards } = await walk(operator, `${path}&sort=${sign}${sort}&limit=3`)
          const items = itemsOf(forwards)
          const compare = (a: Item, b: Item) =>
            members
              .map((name) => ((a[name] as string) < (b[name] as string) ? -1 : a[name] === b[name] ? 0 : 1))
              .find((order) => order !== 0) ?? 0
          const sorted = [...items].sort((a, b) => (sign === '-' ? -1 : 1) * compare(a, b))
          expect(items.map((item) => item[id])).toEqual(sorted.map((item) => item[id]))
          expect(new Set(items.map((item) => item[id])).size).toBe(7)
          expect(forwards.map(({ items }) => items.length)).toEqual([3, 3, 1])
          expect(itemsOf(backwards)).toEqual(itemsOf(forwards.slice(0, 2)))
          expect(backwards[0]?.previous_cursor).toBeNull()
          for (const { total, total_is_exact } of [...forwards, ...backwards]) {
            expect([total, total_is_exact]).toEqual([7, true])
          }
        }
      }
    }
  })

  it('the cursor of the longest name leads to the next page', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const mark = crypto.randomUUID().slice(0, 8)
    for (const letter of ['a', '字', 'é']) {
      await server.addUser({ username: `${mark}${letter.repeat(255 - mark.length)}` })
      await server.addClient({ id: `${mark}-${letter.charCodeAt(0)}`, name: `${mark}${letter.repeat(192)}` })
    }
    for (const path of [`/users?q=${mark}&sort=-username`, `/clients?q=${mark}&sort=-name`]) {
      const { forwards, backwards } = await walk(operator, `${path}&limit=1`)
      expect(forwards.map(({ items }) => items.length)).toEqual([1, 1, 1])
      expect(itemsOf(backwards)).toEqual(itemsOf(forwards.slice(0, 2)))
    }
  })

  it('a cursor of another list or another order is refused, and so is an unknown order', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    for (let i = 0; i < 2; i++) await server.addUser()
    const { next_cursor: cursor } = await read(operator, '/users?limit=1')
    const refusal = (path: string, message: string) => ({
      ...problem(400, 'invalid-query', 'The query is not valid'),
      errors: [{ path, message }],
    })
    for (const path of [
      '/users?sort=created',
      '/users?sort=-username',
      '/clients?limit=1',
      '/audit?limit=1',
    ]) {
      const { status, body } = await operator.get(`${path}&cursor=${cursor}`)
      expect([status, body]).toMatchObject([400, refusal('cursor', 'is not a cursor of this list')])
    }
    const { status, body } = await operator.get('/users?sort=password_hash')
    const names = 'must be one of username, -username, created, -created'
    expect([status, body]).toMatchObject([400, refusal('sort', names)])
  })

  it('a total above the maximum of the count is not exact', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
       INSERT INTO audit_events (at, kind, outcome, reason, subject) SELECT i, 'rehash', 'ok', '', 'user:many' FROM n`,
    ).run()
    const { total, total_is_exact, items } = await read(operator, '/audit?subject=user:many&limit=1')
    expect([total, total_is_exact, items.length]).toEqual([10_000, false, 1])
  })

  it('the list of sessions without a filter has the newest live sessions', async () => {
    const server = new TestServer()
    server.clock.time += 10_000
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const sids: string[] = []
    for (let i = 0; i < 4; i++) {
      server.clock.time += 1
      const { access_token } = await server.signIn(client, user.username)
      sids.unshift(decodeJwt<{ sid: string }>(access_token).sid)
    }
    await operator.delete(`/sessions/${sids[1]}`)
    const { items, total, total_is_exact } = await read(operator, '/sessions?limit=4')
    expect(items.map(({ sid, state }) => [sid, state])).toEqual(
      [sids[0], sids[2], sids[3]].map((sid) => [sid, 'live']),
    )
    expect([total, total_is_exact]).toEqual([null, false])
    const all = await read(operator, '/sessions?live=false&limit=4')
    expect(all.items.map(({ sid }) => sid)).toEqual(sids)
    const live = await read(operator, `/sessions?subject=${user.id}&live=true`)
    expect(live.items.map(({ sid }) => sid)).toEqual([sids[0], sids[2], sids[3]])
  })
})

const found = async (operator: TestOperator, q: string) =>
  (await read(operator, `/users?q=${encodeURIComponent(q)}`)).items.map(({ username }) => username)

describeCustomers('the search for users', () => {
  beforeEach(emptyStores)

  it('the search finds any part of the username, name and email, without regard to case and accents', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const username = `j.müller-${crypto.randomUUID()}@shop.test`
    const profile = { name: 'Jörg  Müller-Straße Łukasz', email: 'Post@Böhm.Example' }
    const draft = { pool: 'customers', username, password: PASSWORD, profile }
    const { body: user } = await operator.post('/users', draft)
    const parts = [
      'MULLER-STRASSE',
      'jörg mu',
      'strasse lukasz',
      'post@bohm',
      'ÖHM.EX',
      'j.mu',
      'łu',
      '%',
      '_',
    ]
    for (const part of parts.slice(0, -2)) expect(await found(operator, part)).toEqual([username])
    for (const part of parts.slice(-2)) expect(await found(operator, part)).toEqual([])
    expect(await found(operator, 'shop.test müller')).toEqual([])

    await operator.patch(`/users/${user.id}`, { profile: { name: 'Jana Weiß' } }, '"1"')
    expect(await found(operator, 'strasse lukasz')).toEqual([])
    expect(await found(operator, 'weiss')).toEqual([username])
    expect(await found(operator, 'we\u200biss')).toEqual([username])
    await operator.patch(`/users/${user.id}`, { username: `renamed.${username}` }, '"2"')
    expect(await found(operator, 'renamed.j')).toEqual([`renamed.${username}`])
    expect(await found(operator, 'JANA')).toEqual([`renamed.${username}`])
    expect(
      (await read(operator, `/users?username=RENAMED.${encodeURIComponent(username)}`)).items,
    ).toHaveLength(1)
    expect((await read(operator, '/users?username=renamed')).items).toEqual([])

    const row = {
      pool: 'customers',
      username: 'imported@shop.test',
      password: PASSWORD,
      profile: { name: 'Zoë' },
    }
    await operator.post('/users/import', { rows: [row] })
    expect(await found(operator, 'zoe')).toEqual(['imported@shop.test'])
    await operator.delete(`/users/${user.id}`, '"3"')
    expect(await found(operator, 'weiss')).toEqual([])
  })

  it('the cron trigger fills the search texts of users that SQL or an older version added', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { id } = await server.addUser({ username: 'from.before@shop.test' })
    await databaseOf(id)
      .prepare(`UPDATE users SET search = NULL, profile = '{"name":"Éowyn"}' WHERE id = ?`)
      .bind(id)
      .run()
    expect(await found(operator, 'eowyn')).toEqual([])
    expect(await found(operator, 'before@shop')).toEqual(['from.before@shop.test'])
    await server.cron()
    expect(await found(operator, 'eowyn')).toEqual(['from.before@shop.test'])
    const search = await databaseOf(id)
      .prepare('SELECT search FROM users WHERE id = ?')
      .bind(id)
      .first('search')
    expect(search).toBe('from.before@shop.test\neowyn')
  })
})

describeCustomers('the list of users by creation', () => {
  beforeEach(emptyStores)

  it('the list has the users of all pools in the order of their creation, without the pool that is hidden', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const ids: string[] = [operator.id]
    for (const pool of ['staff', 'customers', 'customers', 'staff', 'customers', 'operators', 'customers']) {
      server.clock.time += 1
      ids.push((await server.addUser({ pool })).id)
    }
    const account = await TestServiceAccount.withScopes(server, ['users:read'])
    const idsOf = (pages: readonly ListPage[]) => itemsOf(pages).map(({ id }) => id)
    for (const [sort, expected] of [
      ['created', ids],
      ['-created', ids.toReversed()],
    ] as const) {
      const { forwards, backwards } = await walk(operator, `/users?sort=${sort}&limit=3`)
      expect(idsOf(forwards)).toEqual(expected)
      expect(idsOf(backwards)).toEqual(expected.slice(0, 6))
      expect(forwards.map(({ total, total_is_exact }) => [total, total_is_exact])).toEqual(
        Array(3).fill([8, true]),
      )
      const visible = expected.filter((id) => id !== ids[0] && id !== ids[6])
      expect(idsOf((await walk(account, `/users?sort=${sort}&limit=3`)).forwards)).toEqual(visible)
    }
    const customers = await read(operator, '/users?pool=customers&sort=-created')
    expect(idsOf([customers])).toEqual([7, 5, 3, 2].map((i) => ids[i]))
  })
})

describe('the index of the search for users', () => {
  it('the search reads its index in the order of the list, and only the rows that match', async () => {
    const plan = await env.DB.prepare(
      `EXPLAIN QUERY PLAN SELECT pool, username FROM users INDEXED BY users_by_search
       WHERE (instr(search, 'x') > 0 OR (search IS NULL AND instr(username, 'x') > 0)) ORDER BY pool, username LIMIT 51`,
    ).all()
    expect(plan.results.map(({ detail }) => detail)).toEqual([
      'SCAN users USING COVERING INDEX users_by_search',
    ])
  })

  it('a search for a whole username reads its entries of the index, not the whole index', async () => {
    const NOT_COUNTED = { total: 0, isExact: false }
    const asked: string[] = []
    const database = aroundD1((sql, call) => {
      asked.push(sql)
      return call()
    })
    const page = { sort: 'username', isDescending: false, isBackwards: false, limit: 5 } as const
    const none = { text: null, id: null, pool: null, hiddenPool: null, role: null, enabled: null }
    for (const from of [null, ['a', 'b']]) {
      await new UserListStore(new UserDatabases(database)).list(
        { ...none, username: 'x' },
        { ...page, from },
        NOT_COUNTED,
      )
    }
    expect(asked.length).toBe(2)
    for (const sql of asked) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', "'x'")}`).all()
      const details = plan.results.map(({ detail }) => String(detail))
      expect(details).toContainEqual(expect.stringContaining('(pool=? AND username=?'))
      expect(details.filter((detail) => detail.startsWith('SCAN users'))).toEqual([])
    }
  })

  it('a change that concerns no text writes no entry of the search index', async () => {
    const server = new TestServer()
    const { id } = await server.addUser()
    const rowsOf = async (set: string) =>
      (await env.DB.prepare(`UPDATE users SET ${set} WHERE id = ?`).bind(id).run()).meta.rows_written
    expect([await rowsOf('breach_checked_at = 1'), await rowsOf(`search = 'other'`)]).toEqual([1, 2])
  })
})
