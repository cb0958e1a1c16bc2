import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { describeCustomers } from './support/customer_places.ts'
import { countingD1 } from './support/faults.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from './support/server.ts'
import { readUserDatabases } from './support/user_databases.ts'

const LIMITS = { address: { failures: 3 }, site: { failures: 6 }, network: { failures: 12 } }
const TOO_MANY = {
  error: 'temporarily_unavailable',
  error_description: 'There were too many attempts. Try again later.',
}

async function newScene(config: Record<string, unknown> = {}) {
  const server = new TestServer({ config: { sign_in_limits: LIMITS, ...config } })
  return { server, client: await server.addClient(), user: await server.addUser() }
}

interface Try {
  address: string
  username?: string
  password?: string
}

/** A wrong password; the default name is unknown. */
function attempt(server: TestServer, client: TestClient, { address, ...named }: Try): Promise<Response> {
  const parameters = { username: `${crypto.randomUUID()}@x`, password: 'wrong', ...named }
  const headers = { 'CF-Connecting-IP': address }
  return server.postJson({ grant_type: 'password', ...credentials(client), ...parameters }, headers)
}

async function statusesOf(server: TestServer, client: TestClient, addresses: string[]): Promise<number[]> {
  const statuses: number[] = []
  for (const address of addresses) statuses.push((await attempt(server, client, { address })).status)
  return statuses
}

/** The counts of a kind in all databases of users. */
const countRows = async (kind: string) =>
  (await readUserDatabases('SELECT key FROM sign_in_failures WHERE kind = ?', kind)).length

beforeEach(emptyStores)

describe('a network whose addresses fail once each', () => {
  it.each([
    [
      'an IPv6 /56, by its /64s',
      'site',
      6,
      (i: number) => `2001:db8:1:2${i.toString(16).padStart(2, '0')}::1`,
    ],
    ['an IPv6 /48, by its /56s', 'network', 12, (i: number) => `2001:db8:1:${(i + 1).toString(16)}00::1`],
    ['an IPv4 /24, by its addresses', 'network', 12, (i: number) => `203.0.113.${i}`],
  ])(
    'a network whose addresses fail once each is refused from its own limit on, at every isolate: %s',
    async (_case, kind, limit, addressOf) => {
      const { server, client, user } = await newScene()
      const addresses = Array.from({ length: limit }, (_, i) => addressOf(i))
      expect(await statusesOf(server, client, addresses)).toEqual(Array(limit).fill(400))
      const right = { username: user.username, password: PASSWORD }
      const refused = await attempt(server.anotherIsolate(), client, { ...right, address: addressOf(limit) })
      expect([refused.status, refused.headers.get('Retry-After'), await refused.json()]).toEqual([
        429,
        '60',
        TOO_MANY,
      ])
      for (const address of ['2001:db8:2:1::1', '198.51.100.1'])
        expect((await attempt(server, client, { ...right, address })).status).toBe(200)
      expect(await auditOf({ kind: 'lock', client_id: client.id })).toMatchObject([
        { reason: `${kind}: ${limit} failed sign-ins, locked for 60 s`, subject: null },
      ])
      server.clock.time += 60
      const later = await attempt(server, client, { ...right, address: addressOf(limit) })
      expect(later.status).toBe(200)
    },
  )

  it('the count of a network expires some time after the first failure, not after the last', async () => {
    const { server, client } = await newScene()
    for (let hour = 0; hour < 4; hour++) {
      const addresses = Array.from({ length: 5 }, (_, i) => `203.0.113.${hour * 10 + i}`)
      expect(await statusesOf(server, client, addresses)).toEqual(Array(5).fill(400))
      server.clock.time += 3000
    }
  })
})

describeCustomers('invented names', () => {
  it('any number of invented names adds a bounded number of rows', async () => {
    const { server, client } = await newScene()
    const addresses = Array.from({ length: 60 }, (_, i) => `2001:db8:1:${i.toString(16)}00::1`)
    const statuses = await statusesOf(server, client, addresses)
    expect(statuses).toEqual([...Array(12).fill(400), ...Array(48).fill(429)])
    expect([await countRows('account'), await countRows('address'), await countRows('network')]).toEqual([
      12, 12, 1,
    ])
  })
})

describe('the counts of a sign-in', () => {
  it('a sign-in counts in its existing calls: its reads, and one write if it fails', async () => {
    const { server, client } = await newScene()
    const { db, statements } = countingD1()
    const counting = new TestServer({
      config: { sign_in_limits: LIMITS },
      clock: server.clock,
      env: { DB: db },
    })
    await counting.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    statements.length = 0
    expect(await statusesOf(counting, client, ['2001:db8:1:2::1'])).toEqual([400])
    const calls = statements.filter((sql) => sql.includes('sign_in_failures'))
    expect(calls.map((sql) => sql.split('INTO sign_in_failures').length - 1)).toEqual([0, 5])
  })

  it('the counts store keyed hashes of networks', async () => {
    const { server, client } = await newScene()
    await statusesOf(server, client, ['2001:db8:1:2::1', '203.0.113.9'])
    const { results } = await env.DB.prepare('SELECT * FROM sign_in_failures').all()
    for (const text of ['2001', '203.0.113']) expect(JSON.stringify(results)).not.toContain(text)
  })

  it('the limit of a network is never lower than that of an address in it', () => {
    const limits = { address: { failures: 5000 }, site: { failures: 10 } }
    const { signInLimits } = new TestServer({ config: { sign_in_limits: limits } }).config
    const { address, site, network } = signInLimits
    expect([address, site, network].map(({ failures }) => failures)).toEqual([5000, 5000, 5000])
  })
})

describe('a flood of guesses from addresses and networks that failed recently', () => {
  it.each([
    ['one address', () => '2001:db8:1:1::1'],
    ['a /64 for each guess, of one /48', (i: number) => `2001:db8:1:${(i + 2).toString(16)}00::1`],
  ])(
    'a flood of guesses from addresses and networks that failed recently leaves half of the hash queue for others: %s',
    async (_case, addressOf) => {
      const length = 10
      const { server, client, user } = await newScene({
        sign_in_limits: { address: { failures: 100 }, network: { failures: 300 } },
        password_queue: { length, seconds: 30 },
      })
      await Promise.all(
        Array.from({ length: 4 }, (_, i) => statusesOf(server, client, Array(8).fill(`2001:db8:1:1::${i}`))),
      )
      const flood = Array.from({ length: 40 }, (_, i) => attempt(server, client, { address: addressOf(i) }))
      const right = { username: user.username, password: PASSWORD }
      const customers = Array.from({ length: length / 2 }, (_, i) =>
        attempt(server, client, { ...right, address: `198.51.100.${i}` }),
      )
      expect((await Promise.all(customers)).map(({ status }) => status)).toEqual(Array(length / 2).fill(200))
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([400, 503]))
    },
  )
})

describe('the migration that adds the networks', () => {
  it('the migration keeps existing counts and locks', async () => {
    await reset()
    const isLater = ({ name }: { name: string }) => name >= '0012'
    await applyD1Migrations(
      env.DB,
      env.TEST_MIGRATIONS.filter((migration) => !isLater(migration)),
    )
    const row = { kind: 'account', key: 'x', failures: 2, locks: 1, locked_until: 100, expires_at: 3700 }
    await env.DB.prepare('INSERT INTO sign_in_failures VALUES (?, ?, ?, ?, ?, ?)')
      .bind(...Object.values(row))
      .run()
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
    const { results } = await env.DB.prepare('SELECT * FROM sign_in_failures').all()
    expect(results).toEqual([{ ...row, failed_at: 0, sign_ins: '[]' }])
  })
})
