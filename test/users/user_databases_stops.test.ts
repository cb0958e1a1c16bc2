import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import {
  aroundUserDatabases,
  IN_TWO_DATABASES,
  readUserDatabases,
  usernamesIn,
} from '../support/user_databases.ts'

// An isolate stops in the middle of a change that writes to several databases: it makes the first calls of the change, and no call after
// them. test/e2e/killed_mid_creation.test.ts kills a real server.

/** Longer than a reservation. */
const RESERVED_SECONDS = 61

/** The calls of a creation and of a renaming, in their order. An import has a call more: it adds users in two databases. */
const STEPS = [
  'nothing',
  'the reservation in the main database',
  'the reservation in one further database',
  'every reservation',
  'the row of the user',
  'one release',
]
const WRITTEN = STEPS.indexOf('the row of the user')

/** A server whose isolate makes a number of the calls of a change. */
function stoppingAfter(calls: number, server: TestServer): TestServer {
  let made = 0
  let isStopped = false
  const databases = aroundUserDatabases((sql, call) => {
    const isStep = /name_reservations|INTO users|UPDATE users SET/.test(sql)
    isStopped ||= isStep && made === calls
    if (isStopped) return Promise.reject(new Error('the isolate stopped'))
    if (isStep) made++
    return call()
  })
  return new TestServer({ config: IN_TWO_DATABASES, clock: server.clock, env: databases })
}

async function prepare() {
  const server = new TestServer({ config: IN_TWO_DATABASES })
  const operator = await TestOperator.confirmed(server)
  const stopping = (calls: number) => {
    const stopped = new TestOperator(stoppingAfter(calls, server), operator)
    stopped.confirmation = operator.confirmation
    return stopped
  }
  return { server, operator, client: await server.addClient(), stopping }
}

const draftOf = (username: string) => ({ pool: 'customers', username, password: PASSWORD })

/** The usernames of customers in all databases, sorted. A name of two users is listed twice. */
async function listNames(): Promise<string[]> {
  const found = await Promise.all([env.DB, env.USERS_1, env.USERS_2].map(usernamesIn))
  return found
    .flat()
    .filter((name) => name.endsWith('@shop.test'))
    .sort()
}

const countReservations = async () => (await readUserDatabases('SELECT token FROM name_reservations')).length

describe('an isolate that stops in the middle of a change of users in several databases', () => {
  beforeEach(emptyStores)

  it.each(STEPS.map((step, calls) => ({ step, calls })))(
    'a creation that stops after $step leaves at most one user, and the name is free again or taken once',
    async ({ calls }) => {
      const { server, operator, client, stopping } = await prepare()
      const other = await server.addUser({ username: 'other@shop.test' })
      const username = 'wanted@shop.test'
      const body = draftOf(username)
      const call = { body, headers: { 'Idempotency-Key': '"one key"' } }
      const { status } = await stopping(calls).call('POST', '/users', call)
      const isWritten = calls >= WRITTEN
      expect(status).toBe(503)
      const left = isWritten ? [username] : []
      expect(await listNames()).toEqual(['other@shop.test', ...left])
      // While the name is reserved, no request gets it. It is reported as taken only if a user has it.
      if (calls > 0) {
        expect((await operator.post('/users', body)).status).toBe(isWritten ? 409 : 503)
        expect((await operator.call('POST', '/users', call)).status).toBe(isWritten ? 201 : 503)
      }
      server.clock.time += RESERVED_SECONDS
      const repeated = await operator.call('POST', '/users', call)
      expect(repeated.status).toBe(201)
      expect((await operator.post('/users', body)).status).toBe(409)
      expect(await listNames()).toEqual(['other@shop.test', username])
      for (const name of [username, other.username]) await server.signIn(client, name)
      await server.cron()
      expect(
        await auditOf({ subject: String(repeated.body.id), reason: 'the user was created' }),
      ).toHaveLength(1)
      server.clock.time += RESERVED_SECONDS
      await server.cron()
      expect(await countReservations()).toBe(0)
    },
  )

  it.each(STEPS.map((step, calls) => ({ step, calls })))(
    'a renaming that stops after $step leaves one user with one name, and the other name is free',
    async ({ calls }) => {
      const { server, operator, client, stopping } = await prepare()
      const { id } = await server.addUser({ username: 'before@shop.test' })
      const change = { username: 'after@shop.test' }
      await stopping(calls).patch(`/users/${id}`, change, '"1"')
      const isWritten = calls >= WRITTEN
      if (calls > 0 && !isWritten)
        expect((await operator.patch(`/users/${id}`, change, '"1"')).status).toBe(503)
      const [name, free] = isWritten
        ? ['after@shop.test', 'before@shop.test']
        : ['before@shop.test', 'after@shop.test']
      expect(await listNames()).toEqual([name])
      await server.signIn(client, name)
      server.clock.time += RESERVED_SECONDS
      expect((await operator.post('/users', draftOf(name))).status).toBe(409)
      expect((await operator.post('/users', draftOf(free))).status).toBe(201)
      expect(await listNames()).toEqual([name, free].sort())
      expect((await operator.get(`/users/${id}`)).body).toMatchObject({ username: name })
      await server.cron()
      expect(await auditOf({ subject: id, reason: 'the user was changed' })).toHaveLength(Number(isWritten))
    },
  )

  it('an import that stops after any call is finished by a repeat, with each user once', async () => {
    const { server, operator, stopping } = await prepare()
    for (let calls = 0; calls <= STEPS.length; calls++) {
      const names = Array.from({ length: 8 }, (_, i) => `import-${calls}-${i}@shop.test`)
      const rows = names.map((username) => ({ pool: 'customers', username, no_password: true }))
      const before = await listNames()
      await stopping(calls).post('/users/import', { rows })
      const countAdded = async () => (await listNames()).length - before.length
      const written = await countAdded()
      expect(written > 0, `${calls} calls`).toBe(calls >= WRITTEN)
      // A repeat at once does not get the reserved names, and reports no missing user as existing.
      const isHeld = calls > 0 && written < names.length
      const early = await operator.post('/users/import', { rows })
      expect([early.status, early.headers.get('Retry-After')]).toEqual(isHeld ? [503, '2'] : [200, null])
      const added = await countAdded()
      expect(added).toBe(isHeld ? written : names.length)
      server.clock.time += RESERVED_SECONDS
      const { body } = await operator.post('/users/import', { rows })
      const statuses = (body.results as { status: string }[]).map(({ status }) => status)
      expect(statuses.filter((status) => status === 'exists')).toHaveLength(added)
      expect(statuses.filter((status) => status === 'created')).toHaveLength(names.length - added)
      expect(await listNames()).toEqual([...before, ...names].sort())
    }
    await server.cron()
    const events = await auditOf({ reason: 'the user was imported' })
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(8 * (STEPS.length + 1))
    expect(events).toHaveLength(8 * (STEPS.length + 1))
  })
})
