import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuditFilter } from '../../src/audit/audit_filter.ts'
import { randomId } from '../../src/lib/bytes.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { LAYOUTS } from '../support/audit_databases.ts'
import { deliverHistory, emptyArchive, expectLists, makeHistory } from '../support/audit_history.ts'
import { archiveServer, useLayout } from '../support/audit_sink.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const DAY = 86_400
const filtersOf = (now: number): AuditFilter[] => [
  {},
  { subject: 'visitor:1' },
  { subject: 'visitor:1', kind: 'refresh' },
  { subject: 'visitor:2', from: now - 3 * DAY, to: now - DAY },
  { subject: 'nobody' },
  { sid: 's1.0' },
  { clientId: 'shop' },
  { kind: 'retry' },
  { kind: 'theft' },
  { outcome: 'refused' },
  { byOperator: false, from: now - 3600 },
]

describe.each(LAYOUTS)('lists of audit events from batches $title', (layout) => {
  useLayout(layout)
  let server: TestServer
  let events: ReturnType<typeof makeHistory>
  beforeAll(async () => {
    await emptyStores()
    await emptyArchive()
    server = archiveServer().server
    events = makeHistory(server.clock.time, 3)
    await deliverHistory(server, events)
  })

  it('each filter lists the same events as a scan of all events, in every direction and page', async () => {
    await expectLists(server, events, filtersOf(server.clock.time))
  })

  it('a list of rows and batches has both in the order of their times', async () => {
    const insert = env.DB.prepare(
      "INSERT INTO audit_events (id, at, kind, outcome, reason, subject) VALUES (?, ?, 'lock', 'ok', 'locked', 'visitor:1')",
    )
    const times = [server.clock.time - 2 * DAY, server.clock.time - DAY - 300, server.clock.time]
    await env.DB.batch(times.map((at, i) => insert.bind(i + 1, at)))
    const rows = times.map((at, i) => ({
      id: i + 1,
      at,
      kind: 'lock',
      outcome: 'ok',
      reason: 'locked',
      subject: 'visitor:1',
    }))
    const filters: AuditFilter[] = [
      {},
      { subject: 'visitor:1' },
      { kind: 'lock' },
      { subject: 'visitor:1', kind: 'lock' },
    ]
    await expectLists(server, [...events, ...rows], filters)
  })

  it('the total of a list includes batches, and is exact if the whole list was read', async () => {
    const page = { sort: 'time', isDescending: true, from: null, isBackwards: false, limit: 5 } as const
    const ofSubject = await server.services.auditTrail.list({ subject: 'visitor:2' }, page, null)
    expect(ofSubject.total).toEqual({ total: 9, isExact: true })
    const ofAll = await server.services.auditTrail.list({ clientId: 'machine' }, page, null)
    expect(ofAll.total.isExact).toBe(false)
  })
})

describe.each(LAYOUTS)('the admin API with batches $title', (layout) => {
  useLayout(layout)
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it('a session without a row is found by its batched sign-in: lists, device, country, end and timeline', async () => {
    const { server, sink } = archiveServer()
    const client = await server.addClient()
    server.country = 'SE'
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    await sink.flush(server)
    const { sid, sub } = decodeJwt<{ sid: string; sub: string }>(refresh_token ?? '')
    const operator = await TestOperator.signIn(server)
    const session = { sid, subject: sub, client_id: client.id, country: 'SE', state: 'live', refreshes: 0 }
    const ofGuest = await operator.call('GET', `/sessions?subject=${sub}`)
    expect(ofGuest.body).toMatchObject({ items: [session], total: 1 })
    const ofClient = await operator.call('GET', `/sessions?client_id=${client.id}`)
    expect(ofClient.body).toMatchObject({ items: [session], total: 1 })
    expect((await operator.call('GET', `/sessions/${sid}`)).body).toMatchObject(session)
    await server.refresh(client, refresh_token)
    await sink.flush(server)
    server.clock.time += 1
    expect((await operator.call('DELETE', `/sessions/${sid}`)).status).toBe(204)
    const timeline = (await operator.call('GET', `/sessions/${sid}/timeline`)).body
    expect(timeline).toMatchObject({
      session: { country: 'SE', state: 'ended' },
      events: [{ kind: 'issue' }, { kind: 'refresh' }, { kind: 'revoke' }],
      end: { reason: 'ended by an operator' },
    })
  })

  it('the last sign-in of a user by password is found in batches', async () => {
    const { server, sink } = archiveServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const operator = await TestOperator.signIn(server)
    await server.signIn(client, user.username)
    const signedInAt = server.clock.time
    await sink.flush(server)
    server.clock.time += 60
    const support = (await operator.call('GET', `/users/${user.id}/support`)).body
    expect(support).toMatchObject({ last_sign_in_at: signedInAt, live_sessions: 1 })
  })
})

/** The searches of an operator in a minute. */
const SEARCHES = 60

describe('the budget of searches in batches', () => {
  it('lists by client and session, and from the oldest event, use the budget of searches, because batches have no index for them', async () => {
    const { server } = archiveServer()
    const operator = await TestOperator.signIn(server)
    const searches = ['/audit?client_id=shop', '/audit?sid=s1.0', '/audit?sort=time']
    for (let i = 0; i < SEARCHES; i++)
      expect((await operator.get(searches[i % searches.length] ?? '')).status).toBe(200)
    for (const path of searches) expect((await operator.get(path)).status).toBe(429)
    for (const path of ['/audit?subject=visitor:1', '/audit'])
      expect((await operator.get(path)).status).toBe(200)
  })

  it('a session without a row uses the budget before any batch is read, and a session with a row uses none', async () => {
    const reads: string[] = []
    const DB = aroundD1((sql, call) => {
      if (sql.includes('audit_batches')) reads.push(sql)
      return call()
    })
    const { server } = archiveServer({ env: { DB } })
    const client = await server.addClient()
    const operator = await TestOperator.signIn(server)
    const { refresh_token } = await server.refresh(
      client,
      (await server.signIn(client, 'guest', 'guest')).refresh_token,
    )
    const { sid } = decodeJwt<{ sid: string }>(refresh_token ?? '')
    const unknown = () => `/sessions/s1.${randomId(16)}`
    const calls = [
      () => operator.get(unknown()),
      () => operator.get(`${unknown()}/timeline`),
      () => operator.call('DELETE', unknown()),
    ]
    for (let i = 0; i < SEARCHES; i++) expect((await calls[i % calls.length]?.())?.status).toBe(404)
    expect(reads.length).toBeGreaterThanOrEqual(SEARCHES)
    reads.length = 0
    for (const call of calls) expect((await call()).status).toBe(429)
    expect(reads).toEqual([])
    expect((await operator.get(`/sessions/${sid}`)).body).toMatchObject({ sid, state: 'live' })
  })

  it('the owner of a session finds its sign-in in one partition, and another user does not find it', async () => {
    const sent: string[] = []
    const DB = aroundD1((sql, call) => {
      sent.push(sql)
      return call()
    })
    const { server, sink } = archiveServer({ env: { DB } })
    const client = await server.addClient()
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    await sink.flush(server)
    const { sid, sub } = decodeJwt<{ sid: string; sub: string }>(refresh_token ?? '')
    sent.length = 0
    const find = (subject: string) =>
      server.services.auditTrail.findSignIn(sid, { subject, beforeSearch: () => {} })
    expect(await find(sub)).toMatchObject({ sid, subject: sub, clientId: client.id })
    expect(await find('visitor:other')).toBeNull()
    const reads = sent.filter((sql) => sql.includes('audit_batches'))
    expect(reads.length).toBeGreaterThan(0)
    // A recursive query lists all partitions.
    expect(reads.filter((sql) => sql.includes('RECURSIVE'))).toEqual([])
  })

  it('without the archive an unknown session uses no budget', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    for (let i = 0; i <= SEARCHES; i++)
      expect((await operator.get(`/sessions/s1.${randomId(16)}`)).status).toBe(404)
  })
})
