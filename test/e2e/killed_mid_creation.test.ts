import { setTimeout as sleep } from 'node:timers/promises'
import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { OPERATORS } from '../support/cli.ts'
import { KillableService } from '../support/killable_service.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { STAFF_DATABASES, STAFF_IN_DATABASES } from '../support/staff_databases.ts'
import { requestTokens, STAFF } from '../support/token_client.ts'

// The service runs in its own workerd, with users in three databases on disk. A trigger in one of them never ends, so the test kills the
// service at a known step. test/users/user_databases_stops.test.ts stops a server after each call.

const OPERATOR = { client_id: 'sallyport-cli', username: 'operator', password: OPERATORS.operator }
const PASSWORD = 'a long passphrase'
const BCRYPT = hashSync(PASSWORD, 4)
const ROWS = 20
const BINDINGS = ['DB', ...STAFF_DATABASES]

/** The first time before a kill. A slow machine needs a longer one to reach the trigger. */
const FIRST_WAIT_MS = 500
const MAX_TRIES = 6

/** A statement that never ends for the names of this test. Nothing of its transaction is stored. */
interface Step {
  step: string
  bindings: readonly string[]
  statement: 'INSERT ON name_reservations' | 'INSERT ON users' | 'DELETE ON name_reservations'
  /** Whether the row of a created user is stored before. */
  isWritten: boolean
}

const RESERVED: Step = {
  step: 'the reservation in the main database',
  bindings: ['USERS_1'],
  statement: 'INSERT ON name_reservations',
  isWritten: false,
}
const WRITTEN: Step = {
  step: 'the row in the database of the user',
  bindings: ['DB'],
  statement: 'DELETE ON name_reservations',
  isWritten: true,
}
const STEPS: readonly Step[] = [
  RESERVED,
  {
    step: 'the reservations in all databases',
    bindings: STAFF_DATABASES,
    statement: 'INSERT ON users',
    isWritten: false,
  },
  WRITTEN,
]

let killable: KillableService

interface Answer {
  status: number
  body: { id?: string; results?: { status: string }[] }
}

/** Calls the admin API. @returns null without a response */
async function post(path: string, body: object, { token, key }: { token: string; key?: string }) {
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${token}`,
    ...(key === undefined ? {} : { 'Idempotency-Key': `"${key}"` }),
  }
  try {
    const url = `${killable.service.origin}/admin/api${path}`
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Answer['body'] }
  } catch {
    return null
  }
}

async function newToken(): Promise<string> {
  return (await requestTokens(killable.service.origin, OPERATOR)).access_token
}

function databaseOf(binding: string): D1Database {
  return new Map<string, unknown>(Object.entries(killable.service.stores)).get(binding) as D1Database
}

/** The rows of a query in each database of users. */
async function readAll<T>(sql: string): Promise<T[]> {
  const reads = BINDINGS.map((binding) => databaseOf(binding).prepare(sql).all<T>())
  return (await Promise.all(reads)).flatMap(({ results }) => results)
}

/** Kills the service while a request is at a step. Each try has a longer wait. @returns the number of reservations left */
async function killAt({ bindings, statement }: Step, request: () => Promise<unknown>): Promise<number> {
  const row = statement.startsWith('DELETE') ? 'OLD' : 'NEW'
  for (const binding of bindings)
    await databaseOf(binding).batch(
      [
        `CREATE VIEW endless AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`,
        `CREATE TRIGGER never_ends AFTER ${statement} WHEN ${row}.username GLOB 'killed-*'
         BEGIN SELECT count(*) FROM endless; END`,
      ].map((sql) => databaseOf(binding).prepare(sql)),
    )
  let left = 0
  for (let i = 0; left === 0 && i < MAX_TRIES; i++) {
    const answered = request()
    await sleep(FIRST_WAIT_MS * 2 ** i)
    await killable.killAndRestart()
    expect(await answered).toBeNull()
    left = (await readAll('SELECT token FROM name_reservations')).length
  }
  for (const binding of bindings)
    await databaseOf(binding).batch(
      ['DROP TRIGGER never_ends', 'DROP VIEW endless'].map((sql) => databaseOf(binding).prepare(sql)),
    )
  return left
}

/** The usernames that begin with a prefix, sorted. A name of two users is listed twice. */
async function listNames(prefix: string): Promise<string[]> {
  const rows = await readAll<{ username: string }>('SELECT username FROM users')
  return rows
    .map(({ username }) => username)
    .filter((name) => name.startsWith(prefix))
    .sort()
}

/** Ends the reservations of the killed server, as a minute does. */
async function expireReservations(): Promise<void> {
  await readAll('UPDATE name_reservations SET expires_at = 0 RETURNING token')
}

/** The subjects of the audit events with a reason, sorted, after the next cron trigger. */
async function listEvents(reason: string): Promise<string[]> {
  await killable.service.runCron()
  const rows = await readAll<{ subject: string; reason: string }>('SELECT subject, reason FROM audit_events')
  return rows
    .filter((row) => row.reason === reason)
    .map(({ subject }) => subject)
    .sort()
}

describe('a service that is killed while it adds users to several databases', () => {
  beforeAll(async () => {
    const bundle = configureBundle(await serviceBundle(), STAFF_IN_DATABASES)
    killable = await KillableService.start(bundle, { databases: STAFF_DATABASES })
  })
  afterAll(() => killable.service.close())

  it.each(STEPS.map((step, i) => ({ ...step, username: `killed-${i}` })))(
    'a creation that is killed after $step leaves at most one user, and a repeat has one user',
    async ({ username, ...step }) => {
      const token = await newToken()
      const body = { pool: 'staff', username, password: PASSWORD }
      const left = await killAt(step, () => post('/users', body, { token, key: username }))
      expect(left).toBeGreaterThan(0)
      expect(await listNames(username)).toEqual(step.isWritten ? [username] : [])
      // While the name is reserved, no request gets it. It is reported as taken only if a user has it.
      expect((await post('/users', body, { token }))?.status).toBe(step.isWritten ? 409 : 503)
      await expireReservations()
      const repeated = await post('/users', body, { token, key: username })
      expect(repeated?.status).toBe(201)
      expect((await post('/users', body, { token }))?.status).toBe(409)
      expect(await listNames(username)).toEqual([username])
      expect(await listEvents('the user was created')).toContain(repeated?.body.id)
      const signIn = requestTokens(killable.service.origin, { ...STAFF, username, password: PASSWORD })
      expect(await signIn).toHaveProperty('access_token')
    },
  )

  it('each creation has one audit event', async () => {
    const ids = await readAll<{ id: string }>("SELECT id FROM users WHERE username GLOB 'killed-*'")
    expect(await listEvents('the user was created')).toEqual(ids.map(({ id }) => id).sort())
  })

  it.each([RESERVED, WRITTEN].map((step, i) => ({ ...step, prefix: `killed-import-${i}` })))(
    'an import that is killed after $step loses no user, and a repeat leaves each user once',
    async ({ prefix, ...step }) => {
      const names = Array.from({ length: ROWS }, (_, i) => `${prefix}-${i}`).sort()
      const rows = names.map((username) => ({ pool: 'staff', username, password_hash: BCRYPT }))
      const token = await newToken()
      const earlier = await listEvents('the user was imported')
      const left = await killAt(step, () => post('/users/import', { rows }, { token }))
      expect(left).toBeGreaterThan(0)
      const found = await listNames(prefix)
      expect(found).toEqual(step.isWritten ? names : [])
      const early = await post('/users/import', { rows }, { token })
      expect(early?.status).toBe(step.isWritten ? 200 : 503)
      await expireReservations()
      const { results = [] } = (await post('/users/import', { rows }, { token }))?.body ?? {}
      const statuses = results.map(({ status }) => status)
      expect(statuses.filter((status) => status === 'exists')).toHaveLength(found.length)
      expect(statuses.filter((status) => status === 'created')).toHaveLength(ROWS - found.length)
      expect(await listNames(prefix)).toEqual(names)
      const events = await listEvents('the user was imported')
      expect(events).toHaveLength(earlier.length + ROWS)
      expect(new Set(events).size).toBe(events.length)
    },
  )
})
