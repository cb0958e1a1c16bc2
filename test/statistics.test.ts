import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countActiveSessions } from '../src/audit/active_sessions.ts'
import type { AuditEvent } from '../src/audit/audit_event.ts'
import { COUNTERS } from '../src/audit/event_counters.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, emptyStores, PASSWORD, TestServer } from './support/server.ts'

const NOTHING = {
  password: 0,
  guest: 0,
  client_credentials: 0,
  refresh_token: 0,
  failures: 0,
  breached_passwords: 0,
  unchecked_passwords: 0,
  active_sessions: 0,
}

describe('GET /admin/api/statistics', () => {
  const server = new TestServer()
  let operator: TestOperator
  beforeAll(async () => {
    await emptyStores()
    operator = await TestOperator.signIn(server, ['support'])
    server.clock.time = Math.ceil(server.clock.time / 60) * 60 + 600
    const client = await server.addClient()
    const { username } = await server.addUser()
    const { refresh_token: token } = await server.signIn(client, username)
    await server.signIn(client, 'guest', 'guest')
    await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    server.clock.time += 59
    await server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' })
    server.clock.time += 1
    await server.refresh(client, token)
    await server.refresh(client, token)
    await server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: 'garbage' })
    await server.signIn(client, username, PASSWORD)
  })

  // The clock of this test runs ahead, and so do its events.
  afterAll(emptyStores)

  it('the statistics count tokens by grant, failures and active sessions, by the minute', async () => {
    const { status, body } = await operator.get('/statistics?minutes=3')
    const to = server.clock.time + 60
    expect(status).toBe(200)
    expect(body).toEqual({
      from: to - 180,
      to,
      bucket_seconds: 60,
      databases: [{ name: 'DB', bytes: expect.any(Number), limit_bytes: 10_000_000_000, nearly_full: false }],
      revocation_feed: { entries: 0, max_entries: 10_000, merged: [] },
      total: {
        ...NOTHING,
        password: 2,
        guest: 1,
        client_credentials: 1,
        refresh_token: 2,
        failures: 2,
        active_sessions: 3,
      },
      buckets: [
        { at: to - 180, ...NOTHING },
        {
          at: to - 120,
          ...NOTHING,
          password: 1,
          guest: 1,
          client_credentials: 1,
          failures: 1,
          active_sessions: 2,
        },
        { at: to - 60, ...NOTHING, password: 1, refresh_token: 2, failures: 1, active_sessions: 2 },
      ],
    })
  })

  it('the statistics divide a longer time into at most 60 buckets', async () => {
    const { body } = await operator.get('/statistics?minutes=1440')
    expect(body.bucket_seconds).toBe(1440)
    expect(body.buckets).toHaveLength(60)
    expect(Number(body.to)).toBeGreaterThan(server.clock.time)
    const { body: hour } = await operator.get('/statistics')
    expect(hour.buckets).toHaveLength(60)
  })

  /** The statistics without the sizes of the databases, which grow. */
  async function counted() {
    const { databases: _, ...body } = (await operator.get('/statistics?minutes=3')).body
    return body as { total: typeof NOTHING }
  }

  const noise: AuditEvent = {
    kind: 'sign_in_failure',
    outcome: 'refused',
    reason: 'unknown user',
    api: 'storefront',
    clientId: 'shop',
    subject: null,
    sid: null,
  }

  it('the statistics are exact after a flood of 51,000 refused sign-ins', async () => {
    const before = await counted()
    const context = server.context()
    for (let i = 0; i < 51_000; i++) server.services.audit.record(noise, context)
    server.services.audit.record(noise, { ...context, now: context.now + 60 })
    await server.settle()
    server.clock.time += 60
    const { total } = await counted()
    server.clock.time -= 60
    const { password, failures, ...rest } = before.total
    expect(total).toMatchObject({ password, guest: rest.guest, refresh_token: rest.refresh_token })
    expect(total.failures).toBe(failures + 51_001)
  })

  it('the statistics are exact with 51,000 newer rows in the audit trail', async () => {
    const before = await counted()
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51000)
       INSERT INTO audit_events (at, kind, outcome, reason) SELECT ?, 'sign_in_failure', 'refused', 'noise' FROM n`,
    )
      .bind(server.clock.time)
      .run()
    expect(await counted()).toEqual(before)
  })

  it.each(['0', '1441', 'all', '1.5'])('the statistics refuse %s minutes', async (minutes) => {
    const { status, body } = await operator.get(`/statistics?minutes=${minutes}`)
    expect(status).toBe(400)
    expect(body).toEqual(
      problem(400, 'invalid-query', 'The query is not valid', {
        errors: [{ path: 'minutes', message: expect.stringMatching(/^must be/) }],
      }),
    )
  })

  it('the OpenAPI document has the statistics', async () => {
    const { body } = await operator.get('/openapi.json')
    expect(body).toMatchObject({ paths: { '/statistics': { get: { operationId: 'readStatistics' } } } })
  })
})

describe('active sessions', () => {
  const NONE = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<
    (typeof COUNTERS)[number],
    number
  >
  const minute = (n: number, counts: Partial<typeof NONE>) => ({ minute: n * 60, ...NONE, ...counts })

  it('sign-ins, and refreshes of sessions without an earlier token in the interval, count as active sessions', () => {
    const minutes = [
      minute(10, { password: 2, guest: 1, client_credentials: 9 }),
      minute(11, { idle_0: 1, idle_1: 1 }),
    ]
    expect(countActiveSessions(minutes, 600)).toBe(3)
    expect(countActiveSessions(minutes.slice(1), 660)).toBe(1)
    expect(countActiveSessions([minute(11, { idle_1024: 4, idle_64: 3 })], 600)).toBe(7)
  })

  it('a class of idle times that spans the start of the interval counts in part', () => {
    // Idle for 8 to 15 minutes, 11 minutes after the start: 12 to 15 began before it.
    expect(countActiveSessions([minute(11, { idle_8: 8 })], 0)).toBe(4)
  })
})

describe('the migration that adds the counters', () => {
  it('the migration counts the events of the last day', async () => {
    await emptyStores()
    const server = new TestServer()
    const client = await server.addClient()
    const { username } = await server.addUser()
    const { refresh_token: first } = await server.signIn(client, username)
    server.clock.time += 180
    const { refresh_token: second } = await server.refresh(client, first)
    await server.refresh(client, first)
    server.clock.time += 3600
    await server.refresh(client, second)
    await server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' })
    const read = async () =>
      (await env.DB.prepare('SELECT * FROM audit_counters ORDER BY minute').all()).results
    const kept = await read()
    const migration = env.TEST_MIGRATIONS.find(({ name }) => name.startsWith('0009_'))
    await env.DB.prepare('DROP TABLE audit_counters').run()
    for (const query of migration?.queries ?? []) await env.DB.prepare(query).run()
    expect(kept.length).toBeGreaterThan(2)
    expect(await read()).toEqual(kept)
  })
})
