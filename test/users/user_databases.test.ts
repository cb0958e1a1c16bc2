import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { aroundD1 } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { FarStores } from '../support/far_stores.ts'
import { D1_DOWN, FaultyStore } from '../support/faults.ts'
import { readFeed } from '../support/feed.ts'
import { TestOperator } from '../support/operator.ts'
import { PassingTime } from '../support/passing_time.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import {
  BESIDE_DATABASES,
  IN_ONE_DATABASE,
  IN_TWO_DATABASES,
  inDatabases,
  usernamesIn,
} from '../support/user_databases.ts'

const U1_DOWN = aroundD1(() => Promise.reject(new Error('the store is down')), env.USERS_1)

/** Creates customers until each of two databases has one. @returns their usernames and ids, by the names of the databases */
async function addToEach(server: TestServer) {
  const users = new Map<string, { id: string; username: string }>()
  while (!users.has('u1') || !users.has('u2')) {
    const user = await server.addUser()
    users.set(server.services.userDatabases.nameOf(user.id), user)
  }
  return { first: require(users.get('u1')), second: require(users.get('u2')) }
}

function require<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no value')
  return value
}

const signInOf = (client: TestClient, username: string, password = PASSWORD) => ({
  grant_type: 'password',
  ...credentials(client),
  username,
  password,
})

/** The status of a sign-in. */
async function statusOf(server: TestServer, client: TestClient, username: string, password?: string) {
  return (await server.postJson(signInOf(client, username, password))).status
}

describe('the databases of users', () => {
  beforeEach(emptyStores)

  it('new customers are in two databases, and operators are in the main database', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const { first, second } = await addToEach(server)
    const operator = await server.addUser({ pool: 'operators', username: 'operator' })
    expect(first.id).toMatch(/^user:u1\.[\w-]{22}$/)
    expect(await usernamesIn(env.USERS_1)).toContain(first.username)
    expect(await usernamesIn(env.USERS_2)).toContain(second.username)
    expect(operator.id).toMatch(/^user:[\w-]{22}$/)
    expect(await usernamesIn(env.DB)).toEqual(['operator'])
  })

  it('a user of each database signs in, refreshes, and is signed out, disabled and deleted', async () => {
    const server = new TestServer({
      config: { ...IN_TWO_DATABASES, session_objects: { per_market: 2, strict: true } },
    })
    const client = await server.addClient()
    const operator = await TestOperator.confirmed(server)
    const { first, second } = await addToEach(server)
    for (const { id, username } of [first, second]) {
      const tokens = await server.signIn(client, username)
      expect(decodeJwt(tokens.access_token).sub).toBe(id)
      const refreshed = await server.refresh(client, tokens.refresh_token)
      expect(decodeJwt(refreshed.access_token).sub).toBe(id)
      for (const action of ['sign-out', 'disable', 'enable']) {
        expect((await operator.post(`/users/${id}/${action}`)).status).toBe(200)
        await expect(server.refresh(client, refreshed.refresh_token)).rejects.toThrow('invalid_grant')
      }
      server.clock.time += 10
      const next = await server.signIn(client, username)
      const { headers } = await operator.get(`/users/${id}`)
      expect((await operator.delete(`/users/${id}`, headers.get('ETag'))).status).toBe(204)
      await expect(server.refresh(client, next.refresh_token)).rejects.toThrow('invalid_grant')
      expect(await statusOf(server, client, username)).toBe(400)
    }
  })

  it('a refresh from copies follows a change of a user of a further database within 30 seconds', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const client = await server.addClient()
    const operator = await TestOperator.signIn(server)
    const { first } = await addToEach(server)
    const user = await server.addUser({ roles: ['vip'] })
    const signedIn = await server.signIn(client, user.username)
    const refreshed = await server.refresh(client, signedIn.refresh_token)
    expect(decodeJwt(refreshed.access_token).roles).toEqual(['vip'])
    const other = await server.refresh(client, (await server.signIn(client, first.username)).refresh_token)
    expect((await operator.post(`/users/${user.id}/disable`)).status).toBe(200)
    server.clock.time += 31
    await expect(server.refresh(client, refreshed.refresh_token)).rejects.toThrow('invalid_grant')
    expect((await server.refresh(client, other.refresh_token)).access_token).toEqual(expect.any(String))
  })

  it('the feed lists a revocation of a user of each database', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.signIn(server)
    const { first, second } = await addToEach(server)
    for (const { id } of [first, second]) await operator.post(`/users/${id}/sign-out`)
    const { revocations } = await readFeed(server)
    expect(revocations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ sub: first.id }),
        expect.objectContaining({ sub: second.id }),
      ]),
    )
  })

  it('wrong passwords lock an account of each database, and the address is counted over all databases', async () => {
    const limits = {
      account: { failures: 3, lock: 60, longest_lock: 60 },
      address: { failures: 5, lock: 60, longest_lock: 60 },
    }
    const server = new TestServer({ config: { ...IN_TWO_DATABASES, sign_in_limits: limits } })
    const client = await server.addClient()
    const { first, second } = await addToEach(server)
    const guess = (username: string) =>
      server.fetch('/oauth2-token', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': '203.0.113.7' },
        body: JSON.stringify(signInOf(client, username, 'a wrong password')),
      })
    for (let i = 0; i < 3; i++) expect((await guess(first.username)).status).toBe(400)
    expect(await statusOf(server, client, first.username)).toBe(400)
    expect((await auditOf({ kind: 'lock' })).map(({ subject }) => subject)).toEqual([first.id])
    for (let i = 0; i < 2; i++) expect((await guess(second.username)).status).toBe(400)
    // The address has five failures in two databases.
    expect((await guess(second.username)).status).toBe(429)
    server.clock.time += 61
    expect(await statusOf(server, client, first.username)).toBe(200)
  })

  it('users stay in their databases while the list grows, and their names stay taken', async () => {
    const before = new TestServer()
    const client = await before.addClient()
    const old = await before.addUser({ username: 'old@shop.test' })
    const beside = new TestServer({ config: BESIDE_DATABASES })
    expect((await beside.addUser({ username: 'beside@shop.test' })).id).toMatch(/^user:[\w-]{22}$/)
    const one = new TestServer({ config: IN_ONE_DATABASE })
    const names = Array.from({ length: 8 }, (_, i) => `one-${i}@shop.test`)
    for (const username of names) expect((await one.addUser({ username })).id).toMatch(/^user:u1\./)
    const two = new TestServer({ config: IN_TWO_DATABASES })
    await addToEach(two)
    for (const server of [beside, one, two]) expect(await statusOf(server, client, 'old@shop.test')).toBe(200)
    for (const username of names) expect(await statusOf(two, client, username)).toBe(200)
    const operator = await TestOperator.confirmed(two)
    for (const username of ['old@shop.test', 'beside@shop.test', ...names]) {
      const answer = await operator.post('/users', { pool: 'customers', username, password: PASSWORD })
      expect([username, answer.status]).toEqual([username, 409])
    }
    expect((await operator.get(`/users/${old.id}`)).status).toBe(200)
  })

  it('parallel creations of one username, in each two successive deployments that add a pool, make one user', async () => {
    const U1 = { name: 'u1', binding: 'USERS_1', new_users: ['staff'] }
    const list = [
      inDatabases([U1], ['staff']),
      inDatabases([U1], ['staff', 'customers']),
      inDatabases([{ ...U1, new_users: ['staff', 'customers'] }], ['staff', 'customers']),
    ]
    const [before, beside, after] = list.map((config) => new TestServer({ config }))
    for (const [i, pair] of [
      [require(before), require(beside)],
      [require(beside), require(after)],
    ].entries()) {
      const username = `wanted-${i}@shop.test`
      await Promise.allSettled(pair.map((server) => server.addUser({ username })))
      // Two requests that reserve at the same moment can both be refused.
      for (const server of pair) await server.addUser({ username }).catch(() => null)
      const found = await Promise.all([env.DB, env.USERS_1].map(usernamesIn))
      expect(found.flat().filter((name) => name === username)).toEqual([username])
    }
    expect((await require(beside).addUser()).id).toMatch(/^user:[\w-]{22}$/)
    expect((await require(after).addUser()).id).toMatch(/^user:u1\./)
    expect((await require(before).addUser({ pool: 'staff' })).id).toMatch(/^user:u1\./)
  })

  it('parallel creations and renamings to one username, with two lists of databases, make one user with it', async () => {
    const lists = [BESIDE_DATABASES, IN_ONE_DATABASE, IN_TWO_DATABASES]
    const servers = lists.map((config) => new TestServer({ config }))
    const last = require(servers.at(-1))
    const operator = await TestOperator.confirmed(last)
    for (let round = 0; round < 5; round++) {
      const username = `wanted-${round}@shop.test`
      const { first, second } = await addToEach(last)
      const versions = await Promise.all([first, second].map(({ id }) => operator.get(`/users/${id}`)))
      const renamings = [first, second].map(({ id }, i) =>
        operator.patch(`/users/${id}`, { username }, versions[i]?.headers.get('ETag')),
      )
      const creations = servers.map((server) => server.addUser({ username }))
      await Promise.allSettled([...creations, ...renamings])
      const found = await Promise.all([env.DB, env.USERS_1, env.USERS_2].map(usernamesIn))
      expect(found.flat().filter((name) => name === username)).toHaveLength(1)
      last.clock.time += 100
      for (const server of servers) server.clock.time = last.clock.time
    }
  })

  it('a creation whose reservation another request has taken over adds no user', async () => {
    const store = new FaultyStore()
    const slow = new TestServer({
      config: IN_TWO_DATABASES,
      env: Object.fromEntries(
        Object.entries({ USERS_1: env.USERS_1, USERS_2: env.USERS_2 }).map(([name, db]) => [
          name,
          aroundD1(store.around, db),
        ]),
      ),
    })
    store.judge = (sql) => (sql.includes('INSERT INTO users') ? 'hangs before it is made' : null)
    const waiting = slow.addUser({ username: 'slow@shop.test' })
    while ((await env.DB.prepare('SELECT 1 FROM name_reservations').first()) === null || store.running > 0)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const other = new TestServer({ config: BESIDE_DATABASES, clock: slow.clock })
    slow.clock.time += 61
    const user = await other.addUser({ username: 'slow@shop.test' })
    store.comeBack()
    await waiting
    const found = await Promise.all([env.DB, env.USERS_1, env.USERS_2].map(usernamesIn))
    expect(found).toEqual([[user.username], [], []])
  })

  it('users of a database sign in while another one is down, and lists, searches and creations respond with 503', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const client = await server.addClient()
    const operator = await TestOperator.confirmed(server)
    const { first, second } = await addToEach(server)
    const broken = new TestServer({
      config: IN_TWO_DATABASES,
      clock: server.clock,
      env: { USERS_1: U1_DOWN },
    })
    expect(await statusOf(broken, client, second.username)).toBe(200)
    expect(await statusOf(broken, client, first.username)).toBe(503)
    expect(await statusOf(broken, client, 'unknown@shop.test')).toBe(503)
    expect(await statusOf(broken, client, 'guest', 'guest')).toBe(200)
    const caller = new TestOperator(broken, operator)
    for (const path of ['/users', '/users?q=shop', `/search?q=${second.username}`, `/users/${first.id}`])
      expect([path, (await caller.get(path)).status]).toEqual([path, 503])
    expect((await caller.get(`/users/${second.id}`)).status).toBe(200)
    const creation = await caller.post('/users', { pool: 'customers', username: 'new', password: PASSWORD })
    expect(creation.status).toBe(503)
    expect((await broken.fetch('/oauth2-token/health/ready')).status).not.toBe(200)
  })

  it('no user signs in while the main database is down', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const client = await server.addClient()
    const { first } = await addToEach(server)
    await server.signIn(client, first.username)
    const broken = new TestServer({ config: IN_TWO_DATABASES, clock: server.clock, env: { DB: D1_DOWN } })
    expect(await statusOf(broken, client, first.username)).toBe(503)
  })

  it('a user of a database that config.yml no longer lists is unavailable, and not deleted', async () => {
    const server = new TestServer({
      config: { ...IN_TWO_DATABASES, session_objects: { per_market: 1, strict: true } },
    })
    const client = await server.addClient()
    const { second } = await addToEach(server)
    const tokens = await server.signIn(client, second.username)
    const config = {
      user_databases: {
        pools: ['customers'],
        databases: [{ name: 'u1', binding: 'USERS_1', new_users: ['customers'] }],
      },
    }
    const other = new TestServer({ config: { ...IN_TWO_DATABASES, ...config }, clock: server.clock })
    await expect(other.refresh(client, tokens.refresh_token)).rejects.toThrow('503')
  })

  it('a database runs a statement of another database in a batch, as the text and the values', async () => {
    const statement = env.DB.prepare('SELECT ? AS value, (SELECT count(*) FROM marks) AS marks').bind('text')
    await env.USERS_1.batch([env.USERS_1.prepare('CREATE TABLE marks (id INTEGER PRIMARY KEY)')])
    try {
      const [result] = await env.USERS_1.batch([statement])
      expect(result?.results).toEqual([{ value: 'text', marks: 0 }])
    } finally {
      await env.USERS_1.batch([env.USERS_1.prepare('DROP TABLE marks')])
    }
  })

  it('a right and a wrong password wait for the stores as often as with one database', async () => {
    const waits = async (config: Record<string, unknown>) => {
      await emptyStores()
      const near = new TestServer({ config })
      const client = await near.addClient()
      const user = await near.addUser()
      await near.signIn(client, 'guest', 'guest')
      const stores = new FarStores()
      const isolate = new TestServer({ config, clock: near.clock, env: stores.env })
      const time = new PassingTime(stores)
      const measured: number[] = []
      for (const password of [PASSWORD, PASSWORD, 'a wrong password']) {
        const before = time.elapsedMs
        await time.during(isolate.postJson(signInOf(client, user.username, password)))
        measured.push(time.elapsedMs - before)
        await time.during(isolate.settle())
      }
      return measured
    }
    expect(await waits(IN_TWO_DATABASES)).toEqual(await waits({ session_objects: { per_market: 2 } }))
  })
})
