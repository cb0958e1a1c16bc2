import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { problem, TestOperator } from '../support/operator.ts'
import {
  credentials,
  emptyStores,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from '../support/server.ts'
import { readObjects, runAlarms } from '../support/session_objects.ts'
import { describeStoresAndPlaces } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'
import { readUserDatabases } from '../support/user_databases.ts'

const DAY = 86_400
const NETWORK = { 'CF-Connecting-IP': '203.0.113.77', 'User-Agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0' }

interface Person {
  id: string
  username: string
  email: string
  name: string
}

async function addPerson(operator: TestOperator): Promise<Person> {
  const username = `amanda.${crypto.randomUUID()}@shop.test`
  const profile = { name: 'Amanda Åkesson', email: username.replace('amanda', 'private') }
  const draft = { pool: 'customers', username, password: PASSWORD, roles: ['vip-of-rome'], profile }
  const { body } = await operator.post('/users', draft)
  return { id: String(body.id), username, ...profile }
}

/** Signs in a guest, then the user with the guest's cart, then fails a sign-in. */
async function useAccount(server: TestServer, client: TestClient, { username }: Person) {
  const parameters = { grant_type: 'password', ...credentials(client) }
  const post = async (body: Record<string, unknown>) =>
    (await (await server.postJson(body, NETWORK)).json()) as TokenResponse
  const guest = await post({ ...parameters, username: 'guest', password: 'guest' })
  const merged = { ...parameters, username, password: PASSWORD, visitor_access_token: guest.access_token }
  const { refresh_token } = await post(merged)
  const refresh = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
  const refreshed = await post(refresh)
  await post({ ...parameters, username, password: 'mistyped' })
  await server.settle()
  const [, claims = ''] = String(guest.access_token).split('.')
  return { visitor: JSON.parse(atob(claims)).sub as string, refreshToken: refreshed.refresh_token }
}

/** The text of every table of each database of users, of the sessions in objects, and of every value in KV. */
async function dumpStores(): Promise<string> {
  const tables = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf*' AND name NOT GLOB 'sqlite*'`,
  ).all<{ name: string }>()
  const rows = await Promise.all(
    tables.results.map(async ({ name }) => [name, await readUserDatabases(`SELECT * FROM "${name}"`)]),
  )
  const { keys } = await env.KV.list()
  const values = await Promise.all(keys.map(async ({ name }) => [name, await env.KV.get(name)]))
  const inObjects = await readObjects('SELECT * FROM sessions')
  return JSON.stringify([rows, values, inObjects])
}

describeStoresAndPlaces('the erasure of a user', () => {
  beforeEach(emptyStores)

  it('no table and no value in KV has personal data of an erased user after the last token has expired', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const client = await server.addClient()
    const person = await addPerson(admin)
    const { visitor, refreshToken } = await useAccount(server, client, person)
    await admin.patch(`/users/${person.id}`, { roles: ['vip-of-rome', 'loyal'] }, '"1"')
    await signOutUser(server, person.id)
    const personal = [
      person.id,
      person.username,
      person.email,
      person.name,
      visitor,
      '203.0.113',
      'Firefox',
      'vip-of-rome',
    ]
    const before = await dumpStores()
    expect(personal.filter((text) => before.includes(text))).toEqual(personal)
    const countEvents = () => env.DB.prepare('SELECT count(*) AS n FROM audit_events').first<number>('n')

    const erased = await admin.post(`/users/${person.id}/erase`, { username: person.username })
    expect([erased.status, erased.body]).toEqual([204, {}])
    expect((await admin.get(`/users/${person.id}`)).status).toBe(404)
    await expect(server.refresh(client, refreshToken)).rejects.toThrow('invalid_grant')
    await server.settle()
    const events = await countEvents()
    await runAlarms()
    await server.cron()
    expect(await countEvents()).toBe(events)
    const [entry] = await auditOf({ actor: admin.id, reason: 'the user was erased' })
    const pseudonym = String(entry?.subject)
    expect(pseudonym).toMatch(/^user:erased-[\w-]{22}$/)
    const trail = await auditOf({ subject: pseudonym })
    expect(trail.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['admin', 'issue', 'refresh', 'sign_in_failure', 'cut_off', 'refresh_refused']),
    )
    const merge = await auditOf({ kind: 'merge' })
    expect(merge).toMatchObject([{ reason: `merged into ${pseudonym}` }])
    expect(merge[0]?.subject).toMatch(/^visitor:erased-[0-9a-f]{32}$/)

    // An old token writes another event with the id. The next run of the cron trigger replaces it.
    await expect(server.refresh(client, refreshToken)).rejects.toThrow('invalid_grant')
    await server.settle()
    server.clock.time += 30 * DAY - 10
    await server.cron()
    server.clock.time += 10
    await server.cron()
    await server.anotherIsolate().fetch('/revocations')
    await server.settle()
    const after = await dumpStores()
    expect(personal.filter((text) => after.includes(text))).toEqual([])
  })

  it('the cron trigger erases more events than one statement changes', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const { id, username } = await server.addUser()
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
       INSERT INTO audit_events (at, kind, outcome, reason, subject) SELECT ?, 'refresh', 'ok', 'rotated', ? FROM n`,
    )
      .bind(server.clock.time, id)
      .run()
    await admin.post(`/users/${id}/erase`, { username })
    await server.cron()
    const left = await env.DB.prepare('SELECT count(*) AS n FROM audit_events WHERE subject = ?')
      .bind(id)
      .first('n')
    expect(left).toBe(0)
  })

  it('an erased operator is also erased as the actor of changes, and events by others keep their addresses', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const other = await TestOperator.signIn(server)
    const user = await server.addUser()
    await other.post(`/users/${user.id}/disable`)
    const { body } = await admin.get(`/users/${other.id}`)
    await admin.post(`/users/${other.id}/erase`, { username: String(body.username) })
    await server.cron()
    expect(await auditOf({ actor: other.id })).toEqual([])
    const [disabled] = await auditOf({ subject: user.id, kind: 'cut_off' })
    expect(disabled?.actor).toMatch(/^user:erased-/)
  })

  it('an erasure of a deleted user takes the id in place of the username, and removes it from all events', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const client = await server.addClient()
    const person = await addPerson(admin)
    const { visitor } = await useAccount(server, client, person)
    await admin.delete(`/users/${person.id}`, '"1"')
    const path = `/users/${person.id}/erase`
    const missing = problem(404, 'not-found', 'The record or path does not exist', {
      detail: 'The user does not exist.',
    })
    for (const [wrong, username] of [
      [path, person.username],
      ['/users/user:unknown/erase', 'user:unknown'],
      [`/users/${client.id}/erase`, client.id],
    ] as const)
      expect(await admin.post(wrong, { username })).toMatchObject({ status: 404, body: missing })
    const listEvents = async () => (await env.DB.prepare('SELECT * FROM audit_events').all()).results
    const events = (await listEvents()).length
    expect((await admin.post(path, { username: person.id })).status).toBe(204)
    expect(await admin.post(path, { username: person.id })).toMatchObject({ status: 404, body: missing })
    await runAlarms()
    await server.cron()
    const trail = await listEvents()
    expect(trail).toHaveLength(events + 1)
    const [entry] = await auditOf({ actor: admin.id, reason: 'the user was erased' })
    expect(entry).toMatchObject({ kind: 'admin', subject: expect.stringMatching(/^user:erased-[\w-]{22}$/) })
    const tables = ['sessions', 'session_index'].map((table) =>
      env.DB.prepare(`SELECT * FROM ${table}`).all(),
    )
    const rows = [...(await Promise.all(tables)), await readObjects('SELECT * FROM sessions')]
    const text = JSON.stringify([trail, rows])
    expect([person.id, visitor, '203.0.113', 'Firefox'].filter((part) => text.includes(part))).toEqual([])
  })

  it('an erasure needs a confirmation, the username, and another admin for an operator', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const { id, username } = await server.addUser()
    const wrong = await admin.post(`/users/${id}/erase`, { username: 'another' })
    expect([wrong.status, wrong.body]).toEqual([
      422,
      problem(422, 'invalid-content', 'The content is not valid', {
        errors: [{ path: 'username', message: 'must be the username of the user' }],
      }),
    ])
    const own = await admin.post(`/users/${admin.id}/erase`, { username: 'any' })
    expect([own.status, own.body]).toEqual([
      409,
      problem(409, 'oneself', 'Operators cannot do this to themselves', {
        detail: 'Another admin can do it.',
      }),
    ])
    admin.confirmation = null
    expect((await admin.post(`/users/${id}/erase`, { username })).body).toMatchObject({
      type: 'urn:problem-type:sallyport:confirmation-required',
    })
    expect((await admin.get(`/users/${id}`)).status).toBe(200)
  })
})

describeStoresAndPlaces('the export of a user', () => {
  beforeEach(emptyStores)

  it('an export has the account, the sessions and the events of the user, without the hash and without operators', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const client = await server.addClient()
    const person = await addPerson(admin)
    await useAccount(server, client, person)
    const { status, body } = await admin.get(`/users/${person.id}/export`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      exported_at: server.clock.time,
      user: { id: person.id, username: person.username, profile: { name: person.name, email: person.email } },
      password: { breach_checked_at: null, replaceable: false },
      access_tokens_valid_from: null,
      sign_ins: { failures: 1, failed_sign_ins_today: 1, locked_until: null },
      sessions: [{ subject: person.id, state: 'live', device: 'Firefox on Linux' }],
      consents: [],
      factors: [],
      next_cursor: null,
    })
    const events = body.events as { kind: string; address_prefix: string | null; actor_name: unknown }[]
    expect(events.map(({ kind }) => kind).sort()).toEqual(['admin', 'issue', 'refresh', 'sign_in_failure'])
    expect(events.map(({ address_prefix }) => address_prefix).sort()).toEqual([
      ...Array(3).fill('203.0.113.0/24'),
      null,
    ])
    expect(JSON.stringify(body)).not.toMatch(/argon2|"actor_name":"/)
    await server.settle()
    expect(await auditOf({ subject: person.id, reason: 'the data of the user was exported' })).toMatchObject([
      { kind: 'admin', actor: admin.id },
    ])
  })

  it('an export has pages of 500 events, and only the first page is an event of the audit trail', async () => {
    const server = new TestServer({ config: { openid: false } })
    const admin = await TestOperator.confirmed(server)
    const { id } = await server.addUser()
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501)
       INSERT INTO audit_events (at, kind, outcome, reason, subject) SELECT ? - i, 'refresh', 'ok', 'rotated', ? FROM n`,
    )
      .bind(server.clock.time, id)
      .run()
    const first = await admin.get(`/users/${id}/export`)
    const next = await admin.get(`/users/${id}/export?cursor=${first.body.next_cursor}`)
    expect((first.body.events as unknown[]).length).toBe(500)
    expect(next.body).toMatchObject({ sessions: [], next_cursor: null })
    await server.settle()
    expect(await auditOf({ subject: id, kind: 'admin' })).toHaveLength(1)
    const support = await TestOperator.signIn(server, ['support'])
    expect((await support.get(`/users/${id}/export`)).body).toMatchObject({
      type: 'urn:problem-type:sallyport:role-missing',
    })
  })
})
