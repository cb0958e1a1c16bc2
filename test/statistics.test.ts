import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countReturningSessions } from '../src/audit/active_sessions.ts'
import type { AuditEvent } from '../src/audit/audit_event.ts'
import { ConsoleBrowser } from './support/console.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, emptyStores, PASSWORD, TestServer } from './support/server.ts'

const NO_TOKENS = { client_credentials: 0, guest: 0, password: 0, refresh_token: 0 }
const NOTHING = {
  tokens: NO_TOKENS,
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
        tokens: { client_credentials: 1, guest: 1, password: 2, refresh_token: 2 },
        failures: 2,
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
    expect(html).toContain('aria-label="Authorization code: 1 token,')
    const { items } = (await operator.get('/audit?client_id=shop')).body
    expect(items).toMatchObject([{ kind: 'issue', grant: 'authorization_code' }])
    await emptyStores()
  })
})

describe('countReturningSessions', () => {
  const minute = (n: number, idleMinutes: number, count: number) => ({ minute: n * 60, idleMinutes, count })

  it('a refresh counts if the session got its previous token before the span', () => {
    expect(countReturningSessions([minute(11, 0, 1), minute(11, 1, 1)], 600)).toBe(0)
    expect(countReturningSessions([minute(11, 0, 1), minute(11, 1, 1)], 660)).toBe(1)
    expect(countReturningSessions([minute(11, 1024, 4), minute(11, 64, 3)], 600)).toBe(7)
  })

  it('a class of idle times that spans the start of the span counts in part', () => {
    // The class has 8 to 15 idle minutes and the minute is 11 minutes after the beginning: 12 to 15 are before the span.
    expect(countReturningSessions([minute(11, 8, 8)], 0)).toBe(4)
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
    const kept = await read()
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
