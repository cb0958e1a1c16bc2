import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { UserOutboxStore } from '../../src/users/user_outbox_store.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { FAULTS, FaultyStore } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { IN_TWO_DATABASES, usernamesIn } from '../support/user_databases.ts'

interface Listed {
  items: { id: string; username: string }[]
  total: number
  next_cursor: string | null
  previous_cursor: string | null
}

async function readList(operator: TestOperator, path: string): Promise<Listed> {
  const { status, body } = await operator.get(path)
  expect(status).toBe(200)
  return body as unknown as Listed
}

/** The usernames of every page of a list forwards, and then backwards. */
async function walk(operator: TestOperator, path: string) {
  let page = await readList(operator, path)
  const pages = [page]
  while (page.next_cursor !== null) {
    page = await readList(operator, `${path}&cursor=${page.next_cursor}`)
    pages.push(page)
  }
  const back: Listed[] = []
  while (page.previous_cursor !== null) {
    page = await readList(operator, `${path}&cursor=${page.previous_cursor}`)
    back.unshift(page)
  }
  const namesOf = (some: readonly Listed[]) =>
    some.flatMap(({ items }) => items.map(({ username }) => username))
  return {
    total: pages[0]?.total,
    forwards: namesOf(pages),
    backwards: namesOf(back),
    last: namesOf(pages.slice(-1)),
  }
}

const names = Array.from(
  { length: 12 },
  (_, i) => `shopper-${String((i * 5) % 12).padStart(2, '0')}@shop.test`,
)
const sorted = [...names].sort()

describe('the admin API with users in several databases', () => {
  beforeEach(emptyStores)

  it('a list has the order, the pages and the total of one database', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.signIn(server)
    await new TestServer({ clock: server.clock }).addUser({ username: 'shopper-99@shop.test' })
    for (const username of names) {
      server.clock.time += 1
      await server.addUser({ username })
    }
    expect((await usernamesIn(env.USERS_1)).length).toBeGreaterThan(0)
    expect((await usernamesIn(env.USERS_2)).length).toBeGreaterThan(0)
    const all = [...sorted, 'shopper-99@shop.test']
    for (const [query, expected] of [
      ['sort=username', all],
      ['sort=-username', all.toReversed()],
      ['sort=created', ['shopper-99@shop.test', ...names]],
      ['sort=-created', ['shopper-99@shop.test', ...names].toReversed()],
      ['sort=username&q=SHOPPER', all],
    ] as const) {
      const found = await walk(operator, `/users?pool=customers&limit=5&${query}`)
      expect(found).toEqual({
        total: 13,
        forwards: expected,
        backwards: expected.slice(0, -found.last.length),
        last: expected.slice(-3),
      })
    }
    const [first = ''] = sorted
    expect((await readList(operator, `/users?username=${first}`)).items).toHaveLength(1)
    const found = await operator.get(`/search?q=${first}`)
    expect(found.body.items).toEqual([expect.objectContaining({ type: 'user', name: first })])
  })

  it('a creation is audited, and a repeat with its key gets the same user', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.confirmed(server)
    for (const username of names.slice(0, 4)) {
      const options = {
        body: { pool: 'customers', username, password: PASSWORD },
        headers: { 'Idempotency-Key': `"${username}"` },
      }
      const made = await operator.call('POST', '/users', options)
      const again = await operator.call('POST', '/users', options)
      expect([made.status, again.status, again.body.id]).toEqual([201, 201, made.body.id])
      await server.settle()
      expect(await auditOf({ subject: String(made.body.id), reason: 'the user was created' })).toHaveLength(1)
    }
    for (const db of [env.USERS_1, env.USERS_2])
      expect(await db.prepare('SELECT count(*) AS n FROM audit_events').first('n')).toBe(0)
    for (const db of [env.DB, env.USERS_1, env.USERS_2])
      expect(await db.prepare('SELECT count(*) AS n FROM name_reservations').first('n')).toBe(0)
  })

  it('a user gets a new username, and the old one is free', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.confirmed(server)
    const client = await server.addClient()
    const user = await server.addUser({ username: 'before@shop.test' })
    const { headers } = await operator.get(`/users/${user.id}`)
    const change = { username: 'after@shop.test' }
    expect((await operator.patch(`/users/${user.id}`, change, headers.get('ETag'))).status).toBe(200)
    expect((await server.signIn(client, 'after@shop.test')).access_token).toEqual(expect.any(String))
    expect((await server.addUser({ username: 'before@shop.test' })).id).not.toBe(user.id)
    const third = await server.addUser({ username: 'third@shop.test' })
    const version = (await operator.get(`/users/${third.id}`)).headers.get('ETag')
    expect((await operator.patch(`/users/${third.id}`, change, version)).status).toBe(409)
  })

  it('an import over several databases that fails in one of them is finished by a repeat', async () => {
    const store = new FaultyStore()
    const server = new TestServer({
      config: IN_TWO_DATABASES,
      env: { USERS_2: aroundD1(store.around, env.USERS_2) },
    })
    const operator = await TestOperator.signIn(server)
    const rows = names.map((username) => ({ pool: 'customers', username, password: PASSWORD }))
    store.judge = (sql) => (sql.includes('INSERT INTO users') ? 'before it is made' : null)
    expect((await operator.post('/users/import', { rows })).status).toBe(503)
    const kept = await usernamesIn(env.USERS_1)
    expect(kept.length).toBeGreaterThan(0)
    expect(await usernamesIn(env.USERS_2)).toEqual([])
    store.comeBack()
    const { status, body } = await operator.post('/users/import', { rows })
    const statuses = (body.results as { status: string }[]).map((result) => result.status)
    expect(status).toBe(200)
    expect(statuses.filter((one) => one === 'exists')).toHaveLength(kept.length)
    expect(statuses.filter((one) => one === 'created')).toHaveLength(names.length - kept.length)
    await server.settle()
    expect(await auditOf({ reason: 'the user was imported' })).toHaveLength(names.length)
  })

  it.each([
    {
      step: 'the reservation, which is not made',
      calls: /INTO name_res/,
      fault: 'before it is made',
      repeat: 200,
    },
    {
      step: 'the reservation, which is made',
      calls: /INTO name_res/,
      fault: 'after it is done',
      repeat: 200,
    },
    { step: 'its further calls', calls: /INTO users|FROM name_res/, fault: 'before it is made', repeat: 503 },
  ] as const)(
    'an import with a failure of one database at $step gets $repeat for a repeat at once, and no missing user exists in its results',
    async ({ calls, fault, repeat }) => {
      const store = new FaultyStore()
      const env2 = { USERS_2: aroundD1(store.around, env.USERS_2) }
      const server = new TestServer({ config: IN_TWO_DATABASES, env: env2 })
      const operator = await TestOperator.signIn(server)
      const rows = names.map((username) => ({ pool: 'customers', username, no_password: true }))
      const send = () => operator.post('/users/import', { rows })
      const countUsers = async () =>
        (await Promise.all([env.USERS_1, env.USERS_2].map(usernamesIn))).flat().length
      store.judge = (sql) => (calls.test(sql) ? fault : null)
      expect((await send()).status).toBe(503)
      const kept = await countUsers()
      store.comeBack()
      expect((await send()).status).toBe(repeat)
      expect(await countUsers()).toBe(repeat === 200 ? names.length : kept)
      server.clock.time += 61
      const { status, body } = await send()
      const created = (body.results as { status: string }[]).filter((result) => result.status === 'created')
      expect([status, created.length]).toEqual([200, repeat === 200 ? 0 : names.length - kept])
      expect(await countUsers()).toBe(names.length)
    },
  )

  it('two parallel imports of the same users add each once', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.signIn(server)
    const rows = names.map((username) => ({ pool: 'customers', username, password: PASSWORD }))
    const answers = await Promise.all([1, 2].map(() => operator.post('/users/import', { rows })))
    const rowsOf = (body: Record<string, unknown>) => (body.results ?? []) as { status: string }[]
    const created = answers.flatMap(({ body }) => rowsOf(body)).filter(({ status }) => status === 'created')
    expect(created).toHaveLength(names.length)
    // The import that does not get the names can be refused. Its repeat reports the users of the other one.
    for (const { status } of answers) expect([200, 503]).toContain(status)
    const { body } = await operator.post('/users/import', { rows })
    expect(rowsOf(body).map(({ status }) => status)).toEqual(names.map(() => 'exists'))
    expect([...(await usernamesIn(env.USERS_1)), ...(await usernamesIn(env.USERS_2))].sort()).toEqual(sorted)
  })

  it('support unlocks an account, and reads its failures', async () => {
    const limits = { account: { failures: 3, lock: 600, longest_lock: 600 } }
    const server = new TestServer({ config: { ...IN_TWO_DATABASES, sign_in_limits: limits } })
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    for (let i = 0; i < 3; i++)
      await expect(server.signIn(client, user.username, 'a wrong password')).rejects.toThrow('invalid_grant')
    const locked = await operator.get(`/users/${user.id}/support`)
    expect(locked.body.locked_until).toBe(server.clock.time + 600)
    expect((await operator.get('/statistics')).body).toMatchObject({ locked_accounts: 1 })
    expect((await operator.post(`/users/${user.id}/unlock`)).body).toMatchObject({ locked_until: null })
    expect((await server.signIn(client, user.username)).access_token).toEqual(expect.any(String))
  })

  it('an erasure removes the account, and the events of the user get a pseudonym', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.confirmed(server)
    const client = await server.addClient()
    const user = await server.addUser()
    await server.signIn(client, user.username)
    await server.settle()
    expect((await operator.post(`/users/${user.id}/erase`, { username: user.username })).status).toBe(204)
    await server.settle()
    await server.cron()
    expect(await auditOf({ subject: user.id })).toEqual([])
    const [event] = await auditOf({ reason: 'the user was erased' })
    expect(event?.subject).toMatch(/^user:erased-[\w-]{22}$/)
    expect(await auditOf({ subject: event?.subject ?? '', kind: 'issue' })).toHaveLength(1)
    for (const db of [env.USERS_1, env.USERS_2]) {
      const rest = await db
        .prepare('SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM erasures) AS n')
        .first('n')
      expect(rest).toBe(0)
    }
  })

  it('a deleted user is erased by the id', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.confirmed(server)
    const user = await server.addUser()
    expect((await operator.post(`/users/${user.id}/disable`)).status).toBe(200)
    const { headers } = await operator.get(`/users/${user.id}`)
    expect((await operator.delete(`/users/${user.id}`, headers.get('ETag'))).status).toBe(204)
    await server.settle()
    expect((await operator.post(`/users/${user.id}/erase`, { username: user.id })).status).toBe(204)
    await server.cron()
    expect(await auditOf({ subject: user.id })).toEqual([])
  })

  it.each(FAULTS)('a move of events that fails %s loses no event and adds none twice', async (fault) => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const insert = env.USERS_1.prepare(
      "INSERT INTO audit_events (at, kind, outcome, reason) VALUES (?, 'admin', 'ok', ?)",
    )
    for (let step = 0; step < 3; step++) {
      await env.USERS_1.batch([
        insert.bind(server.clock.time, `first ${step}`),
        insert.bind(server.clock.time, `second ${step}`),
      ])
      let calls = 0
      const store = new FaultyStore()
      const outbox = new UserOutboxStore(aroundD1(store.around), {
        name: 'u1',
        db: aroundD1(store.around, env.USERS_1),
      })
      store.judge = () => (calls++ === step ? fault : null)
      await expect(outbox.move()).rejects.toThrow()
      await store.settle()
      store.comeBack()
      await Promise.all([outbox.move(), outbox.move()])
      await outbox.move()
      expect(await auditOf({ reason: `first ${step}` })).toHaveLength(1)
      expect(await auditOf({ reason: `second ${step}` })).toHaveLength(1)
    }
    expect(await env.USERS_1.prepare('SELECT count(*) AS n FROM audit_events').first('n')).toBe(0)
  })
})
