import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_EVENTS } from '../src/audit/audit_statistics_store.ts'
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

  // Its clock runs ahead, and so do its events.
  afterAll(emptyStores)

  it('counts tokens by grant, failures and sessions that got a token, by the minute', async () => {
    const { status, body } = await operator.get('/statistics?minutes=3')
    const to = server.clock.time + 60
    expect(status).toBe(200)
    expect(body).toEqual({
      ...{ from: to - 180, to, piece_seconds: 60, truncated: false },
      total: {
        ...NOTHING,
        password: 2,
        guest: 1,
        client_credentials: 1,
        refresh_token: 2,
        failures: 2,
        active_sessions: 3,
      },
      pieces: [
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

  it('cuts a longer time into no more than 60 pieces', async () => {
    const { body } = await operator.get('/statistics?minutes=1440')
    expect(body.piece_seconds).toBe(1440)
    expect(body.pieces).toHaveLength(60)
    expect(Number(body.to)).toBeGreaterThan(server.clock.time)
    const { body: hour } = await operator.get('/statistics')
    expect(hour.pieces).toHaveLength(60)
  })

  it('is not blinded by more events of other kinds than it counts at most', async () => {
    const { body: before } = await operator.get('/statistics?minutes=3')
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO audit_events (at, kind, outcome, reason) SELECT ?2, 'admin', 'ok', 'imported' FROM n`,
    )
      .bind(MAX_EVENTS, server.clock.time)
      .run()
    const { body: after } = await operator.get('/statistics?minutes=3')
    expect(after).toEqual(before)
    expect(after.truncated).toBe(false)
  })

  it.each(['0', '1441', 'all', '1.5'])('refuses %s minutes', async (minutes) => {
    const { status, body } = await operator.get(`/statistics?minutes=${minutes}`)
    expect(status).toBe(400)
    expect(body).toEqual(
      problem(400, 'invalid-query', 'The query is not valid', {
        errors: [{ path: 'minutes', message: expect.stringMatching(/^must be/) }],
      }),
    )
  })

  it('is in the OpenAPI document', async () => {
    const { body } = await operator.get('/openapi.json')
    expect(body).toMatchObject({ paths: { '/statistics': { get: { operationId: 'readStatistics' } } } })
  })
})
