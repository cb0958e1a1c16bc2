import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keySchema, keysSchema } from '../src/admin/keys.ts'
import { statisticsSchema } from '../src/admin/statistics.ts'
import type { AuditEvent } from '../src/audit/audit_event.ts'
import { ConsoleBrowser } from './support/console.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, emptyStores, PASSWORD, TestServer } from './support/server.ts'

const NO_TOKENS = { client_credentials: 0, guest: 0, password: 0, refresh_token: 0 }
const NOTHING = {
  tokens: NO_TOKENS,
  failures: 0,
  thefts: 0,
  breached_passwords: 0,
  unchecked_passwords: 0,
  active_sessions: 0,
}
const NO_TOTAL = { ...NOTHING, tokens: {}, failures_by_cause: {} }
const DAY = 86_400
/** In minutes. */
const WEEK = 7 * 1440

/** The statistics of the last minutes. */
async function statisticsOf(operator: TestOperator, minutes = 60) {
  return statisticsSchema.parse((await operator.get(`/statistics?minutes=${minutes}`)).body)
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
      counted_since: expect.any(Number),
      previous: { from: to - 360, to: to - 180, total: { ...NO_TOTAL, tokens: NO_TOKENS } },
      locked_accounts: 0,
      next_key_change: { at: expect.any(Number), published: false },
      databases: [{ name: 'DB', bytes: expect.any(Number), limit_bytes: 10_000_000_000, nearly_full: false }],
      revocation_feed: { entries: 0, max_entries: 10_000, merged: [] },
      total: {
        ...NOTHING,
        tokens: { client_credentials: 1, guest: 1, password: 2, refresh_token: 2 },
        failures: 2,
        failures_by_cause: { wrong_password: 1, invalid_token: 1 },
        active_sessions: 3,
      },
      buckets: [
        { at: to - 180, ...NOTHING },
        {
          at: to - 120,
          ...NOTHING,
          tokens: { client_credentials: 1, guest: 1, password: 1, refresh_token: 0 },
          failures: 1,
          active_sessions: 2,
        },
        {
          at: to - 60,
          ...NOTHING,
          tokens: { ...NO_TOKENS, password: 1, refresh_token: 2 },
          failures: 1,
          active_sessions: 2,
        },
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
    const lengths = async (minutes: number) => {
      const { from, to, bucket_seconds, buckets, previous } = await statisticsOf(operator, minutes)
      return { seconds: to - from, bucket_seconds, buckets: buckets.length, before: from - previous.from }
    }
    const week = 7 * DAY
    expect(await lengths(7 * 1440)).toEqual({
      seconds: week,
      bucket_seconds: 3 * 3600,
      buckets: 56,
      before: week,
    })
    const month = 30 * DAY
    expect(await lengths(30 * 1440)).toEqual({
      seconds: month,
      bucket_seconds: 12 * 3600,
      buckets: 60,
      before: month,
    })
  })

  /** The statistics without the sizes of databases, which grow. */
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
    expect(total.tokens).toEqual(before.total.tokens)
    expect(total.failures).toBe(before.total.failures + 51_001)
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

  it.each(['0', '43201', 'all', '1.5'])('the statistics refuse %s minutes', async (minutes) => {
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

describe('a grant of a later version', () => {
  it('the statistics and the dashboard show the tokens of a new grant as a series of their own', async () => {
    await emptyStores()
    const server = new TestServer()
    const operator = await TestOperator.signIn(server, ['support'])
    server.clock.time += 120
    const event: AuditEvent = {
      kind: 'issue',
      outcome: 'ok',
      reason: 'code',
      grant: 'authorization_code',
      api: 'storefront',
      clientId: 'shop',
      subject: 'user:a',
      sid: 's1.a',
    }
    server.services.audit.record(event, server.context())
    await server.settle()
    const { body } = await operator.get('/statistics?minutes=1')
    const counts = { ...NOTHING, tokens: { authorization_code: 1 }, active_sessions: 1 }
    expect(body).toMatchObject({ total: counts, buckets: [counts] })
    const { html } = await (await ConsoleBrowser.signIn(server)).get('/console')
    // The sign-in at the console is the second one.
    expect(html).toContain('Authorization code: 2 tokens.')
    const { items } = (await operator.get('/audit?client_id=shop&grant=authorization_code')).body
    expect(items).toMatchObject([{ kind: 'issue', grant: 'authorization_code' }])
    await emptyStores()
  })
})

describe('the counters of hours', () => {
  let server: TestServer
  beforeEach(async () => {
    await emptyStores()
    server = new TestServer()
  })
  afterAll(emptyStores)

  /** An operator whose sign-in is not counted. */
  async function signIn(): Promise<TestOperator> {
    const operator = await TestOperator.signIn(server, ['support'])
    await server.settle()
    await env.DB.prepare('DELETE FROM audit_counters').run()
    return operator
  }
  const add = (minute: number, counts: Record<string, number>) =>
    env.DB.prepare('INSERT INTO audit_counters (minute, counts) VALUES (?, ?)')
      .bind(minute, JSON.stringify(counts))
      .run()
  const hours = async () => {
    const select = env.DB.prepare('SELECT hour, counts FROM audit_hour_counters ORDER BY hour')
    const { results } = await select.all<{ hour: number; counts: string }>()
    return results.map(({ hour, counts }) => [hour, JSON.parse(counts)])
  }

  it('the cron trigger adds each ended hour once, and statistics of days read hours and later minutes', async () => {
    const operator = await signIn()
    const hour = Math.floor(server.clock.time / 3600) * 3600
    await add(hour - 3600, { 'tokens:password': 1, sessions: 1, failures: 2, 'failures:unknown_user': 2 })
    await add(hour - 60, { 'tokens:password': 2, sessions: 2, thefts: 1 })
    await add(hour, { 'tokens:password': 4, sessions: 4 })
    server.clock.time = hour + 299
    await server.cron()
    expect(await hours()).toEqual([])
    server.clock.time = hour + 300
    for (let i = 0; i < 2; i++) await server.cron()
    const ended = { failures: 2, 'failures:unknown_user': 2, sessions: 3, thefts: 1, 'tokens:password': 3 }
    expect(await hours()).toEqual([[hour - 3600, ended]])
    const { total, counted_since } = await statisticsOf(operator, WEEK)
    expect(counted_since).toBe(hour - 3600)
    const expected = {
      tokens: { password: 7 },
      failures: 2,
      thefts: 1,
      failures_by_cause: { unknown_user: 2 },
    }
    expect(total).toEqual({ ...NOTHING, ...expected, active_sessions: 7 })
    // A late write to an ended hour is not counted twice.
    await env.DB.prepare('DELETE FROM audit_counters WHERE minute < ?').bind(hour).run()
    expect((await statisticsOf(operator, WEEK)).total).toEqual(total)
  })

  it('the previous period ends as long after its start as the current one', async () => {
    const now = Math.floor(server.clock.time / DAY) * DAY + DAY + 600
    server.clock.time = now
    const operator = await signIn()
    const { from } = await statisticsOf(operator, WEEK)
    const week = 7 * DAY
    for (const [at, count] of [
      [from - week - 3600, 1],
      [from - week, 2],
      [now - 600 - week, 4],
      [now + 3000 - week, 8],
    ] as const) {
      await env.DB.prepare('INSERT INTO audit_hour_counters VALUES (?, ?)')
        .bind(at, `{"failures":${count}}`)
        .run()
    }
    await add(now - 600, { failures: 16 })
    const { total, previous } = await statisticsOf(operator, WEEK)
    expect([total.failures, previous.total.failures]).toEqual([16, 2 + 4])
  })

  it('a refresh counts as active if the session got its previous token before the span', async () => {
    const operator = await signIn()
    const minute = Math.floor(server.clock.time / 60) * 60
    const activeOf = async (minutes: number, idle: Record<string, number>) => {
      await env.DB.prepare('DELETE FROM audit_counters').run()
      await add(minute, { ...idle, 'tokens:refresh_token': 1 })
      return (await statisticsOf(operator, minutes)).total.active_sessions
    }
    expect(await activeOf(2, { 'idle:0': 1, 'idle:1': 1 })).toBe(0)
    expect(await activeOf(1, { 'idle:0': 1, 'idle:1': 1 })).toBe(1)
    expect(await activeOf(2, { 'idle:32768': 4, 'idle:64': 3 })).toBe(7)
    // The class has 8 to 15 idle minutes, and the minute is 11 minutes after the start: 12 to 15 are before the span.
    expect(await activeOf(12, { 'idle:8': 8 })).toBe(4)
  })

  it('the cron trigger removes the counters of minutes after two days and those of hours after 60 days', async () => {
    const hour = Math.floor(server.clock.time / 3600) * 3600 - 3600
    await add(hour, { failures: 1 })
    const kept = async () => {
      await server.cron()
      const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')
      return [await count('audit_counters'), await count('audit_hour_counters')]
    }
    for (const [time, rows] of [
      [hour + 2 * DAY, [1, 1]],
      [hour + 2 * DAY + 1, [0, 1]],
      [hour + 60 * DAY, [0, 1]],
      [hour + 60 * DAY + 1, [0, 0]],
    ] as const) {
      server.clock.time = time
      expect(await kept()).toEqual(rows)
    }
  })
})

describe('the numbers that need action', () => {
  it('the statistics count locked accounts until the lock ends, and thefts', async () => {
    await emptyStores()
    const server = new TestServer({
      config: { sign_in_limits: { account: { failures: 3, lock: 600, longest_lock: 600 } } },
    })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const { refresh_token: stolen } = await server.signIn(client, username)
    await server.refresh(client, stolen)
    server.clock.time += 60
    await server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: stolen })
    const wrong = { grant_type: 'password', ...credentials(client), password: 'wrong' }
    for (const name of [username, 'unknown']) {
      for (let i = 0; i < 3; i++) await server.postJson({ ...wrong, username: name })
    }
    await server.postJson({ ...wrong, username: 'once' })
    const operator = await TestOperator.signIn(server, ['support'])
    const body = await statisticsOf(operator)
    expect(body).toMatchObject({ locked_accounts: 2, total: { thefts: 1, failures: 8 } })
    expect(body.total.failures_by_cause).toEqual({ wrong_password: 3, unknown_user: 4, replayed_token: 1 })
    server.clock.time += 600
    expect((await statisticsOf(operator)).locked_accounts).toBe(0)
    await emptyStores()
  })

  it('the statistics name the time of the next key change, and whether the key is published', async () => {
    await emptyStores()
    const server = new TestServer({ config: { key_rotation_days: 30 } })
    const operator = await TestOperator.signIn(server)
    const change = async () => (await statisticsOf(operator)).next_key_change
    const { items } = keysSchema.parse((await operator.get('/keys')).body)
    const since = items[0]?.activates_at ?? 0
    expect(await change()).toEqual({ at: since + 30 * DAY, published: false })
    const next = keySchema.parse((await operator.post('/keys/rotate')).body)
    expect(await change()).toEqual({ at: next.activates_at, published: true })
    await emptyStores()
  })
})

describe('the migrations of the counters', () => {
  it('the migrations count the events of the last day as the server does', async () => {
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
    const read = async () => {
      const select = env.DB.prepare('SELECT minute, counts FROM audit_counters ORDER BY minute')
      const { results } = await select.all<{ minute: number; counts: string }>()
      return results.map(({ minute, counts }) => ({ minute, counts: JSON.parse(counts) }))
    }
    // The old events have no cause.
    const kept = (await read()).map(({ minute, counts: { 'failures:wrong_password': _, ...counts } }) => ({
      minute,
      counts,
    }))
    await env.DB.prepare('DROP TABLE audit_counters').run()
    for (const number of ['0009_', '0014_']) {
      const { queries = [] } = env.TEST_MIGRATIONS.find(({ name }) => name.startsWith(number)) ?? {}
      const ofCounters = queries.filter((query) => query.includes('audit_counters'))
      for (const query of ofCounters) await env.DB.prepare(query).run()
    }
    expect(kept.length).toBeGreaterThan(2)
    expect(await read()).toEqual(kept)
  })
})
