import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { planMerge } from '../src/sessions/merge_revocations.ts'
import { clientRevocationTime, type StoredRevocation } from '../src/sessions/revocation_store.ts'
import { ConsoleBrowser } from './support/console.ts'
import { readDelta, readFeed } from './support/feed.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, TestServer } from './support/server.ts'
import { endTokensOfClient } from './support/sign_out.ts'

/** Adds entries for ended sessions of a client, made in the past. */
async function listMany(clientId: string | null, count: number, createdAt: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
     SELECT 'sid', 's1.' || hex(randomblob(16)), ?2 + 60, 'revoked by its client', ?2, ?2 + 3600, ?3 FROM n`,
  )
    .bind(count, createdAt, clientId)
    .run()
}

afterEach(() => vi.restoreAllMocks())

const countRows = () => env.DB.prepare('SELECT count(*) AS n FROM cutoffs').first<number>('n')

describe('a revocation feed over its limit of 10,000 entries', () => {
  beforeEach(emptyStores)

  it('the feed merges only the entries of the client with the most entries', async () => {
    const server = new TestServer()
    const now = server.clock.time
    await listMany('quiet', 100, now - 1000)
    await listMany('busy', 9901, now - 500)
    const { revocations } = await readFeed(server)
    expect(revocations).toHaveLength(7500)
    expect(revocations.filter(({ sid }) => sid === undefined)).toEqual([
      { client_id: 'busy', before: now - 440 },
    ])
    expect(await countRows()).toBe(7500)
  })

  it('the feed merges the oldest entries into one if no client has several', async () => {
    const server = new TestServer()
    const now = server.clock.time
    await listMany(null, 10_000, now - 500)
    await listMany(null, 1, now - 400)
    const { revocations } = await readFeed(server)
    expect(revocations).toHaveLength(7500)
    expect(revocations.at(-1)).toEqual({ all: true, before: now - 440 })
  })

  it('the feed merges no entry of the present second, so that no later token is revoked', async () => {
    const server = new TestServer()
    await listMany('busy', 10_001, server.clock.time)
    expect((await readFeed(server)).revocations).toHaveLength(10_001)
    server.clock.time += 61
    expect((await readFeed(server)).revocations).toHaveLength(10_001)
    server.clock.time += 1
    const { revocations } = await readFeed(server)
    expect(revocations).toHaveLength(7500)
    expect(revocations.at(-1)).toEqual({ client_id: 'busy', before: server.clock.time - 2 })
  })

  it('parallel merges of many isolates have the result of one', async () => {
    const server = new TestServer()
    await listMany('busy', 10_500, server.clock.time - 500)
    await Promise.all(Array.from({ length: 4 }, () => readFeed(server)))
    const { revocations } = await readFeed(server)
    expect(revocations).toHaveLength(7500)
    expect(revocations.filter(({ client_id }) => client_id === 'busy')).toHaveLength(1)
    expect(await countRows()).toBe(7500)
  })

  it('the cron trigger also merges the feed', async () => {
    const server = new TestServer()
    await listMany('busy', 10_001, server.clock.time - 500)
    await server.cron()
    expect(await countRows()).toBe(7500)
  })

  it('a merged entry revokes every token of its parts and no later token', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { username } = await server.addUser()
    const dead = await server.signIn(client, username)
    const other = await server.signIn(client, username)
    await server.postJson({ ...credentials(client), token: dead.refresh_token }, {}, '/oauth2-token/revoke')
    server.clock.time += 100
    await listMany(client.id, 10_000, server.clock.time - 90)
    const entry = (await readFeed(server)).revocations.find(({ client_id }) => client_id === client.id)
    const before = Number(entry?.before)
    expect(JSON.stringify(await readFeed(server))).not.toContain(decodeJwt(dead.access_token).sid)
    expect(decodeJwt(dead.access_token).iat).toBeLessThan(before)
    // The other session continues. APIs refuse its access token, and a refresh gives a valid one.
    expect(decodeJwt(other.access_token).iat).toBeLessThan(before)
    const next = await server.refresh(client, other.refresh_token)
    expect(decodeJwt(next.access_token).iat).toBeGreaterThanOrEqual(before)
    await expect(server.refresh(client, dead.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a merge does not change a new revocation of a client by an operator', async () => {
    const server = new TestServer()
    const { id } = await server.addClient()
    const now = server.clock.time
    await endTokensOfClient(server, id)
    await listMany(id, 10_000, now - 70)
    await env.DB.prepare("UPDATE cutoffs SET expires_at = expires_at + 90 WHERE kind = 'sid'").run()
    const { revocations } = await readFeed(server)
    expect(revocations).toHaveLength(7499)
    expect(revocations.filter(({ client_id }) => client_id === id)).toEqual([
      { client_id: id, before: clientRevocationTime(now) },
    ])
  })

  it('a reader of deltas gets the merged entry', async () => {
    const server = new TestServer()
    await listMany('busy', 9_999, server.clock.time - 500)
    const { until } = await readFeed(server)
    await listMany('busy', 2, server.clock.time - 400)
    server.clock.time += 5
    const { revocations } = await readDelta(server, until)
    expect(revocations.at(-1)).toEqual({ client_id: 'busy', before: server.clock.time - 445 })
  })

  it('the feed serves the long list if the merge fails', async () => {
    const DB = Object.assign(Object.create(env.DB), {
      prepare: (sql: string) => {
        if (sql.startsWith('DELETE FROM cutoffs WHERE id IN (SELECT value')) throw new Error('read-only')
        return env.DB.prepare(sql)
      },
      batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
    })
    const server = new TestServer({ env: { DB } })
    await listMany('busy', 10_001, server.clock.time - 500)
    const response = await server.fetch('/revocations')
    expect(response.status).toBe(200)
    const token = new TextDecoder().decode(await response.arrayBuffer())
    expect(decodeJwt<{ revocations: [] }>(token).revocations).toHaveLength(10_001)
  })
})

describe('a merge of revocations', () => {
  beforeEach(emptyStores)

  it('the statistics, the dashboard and the log report a merge', async () => {
    const server = new TestServer()
    const now = server.clock.time
    await listMany('busy', 9_000, now - 500)
    await listMany(null, 10_400, now - 400)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const operator = await TestOperator.signIn(server, ['support'])
    const { body } = await operator.get('/statistics')
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)))).toContainEqual({
      level: 'warn',
      event: 'revocations_merged',
      removed: 11_902,
      into: `client_id busy before ${now - 440}, all before ${now - 340}`,
    })
    expect(body.revocation_feed).toEqual({
      entries: 7500,
      max_entries: 10_000,
      merged: [
        { client_id: 'busy', before: now - 440 },
        { client_id: null, before: now - 340 },
      ],
    })
    const browser = await ConsoleBrowser.signIn(server)
    const { html } = await browser.get('/console')
    expect(html).toContain(
      'The revocation feed has 7500 entries of at most 10000, and its oldest entries were merged.',
    )
    expect(html).toContain('to the client busy before')
    expect(html).toContain('to any client before')
  })

  it('the dashboard reports no merge without one', async () => {
    const browser = await ConsoleBrowser.signIn(new TestServer())
    expect((await browser.get('/console')).html).not.toContain('revocation feed')
  })
})

describe('the plan of a merge', () => {
  const revocation = (id: number, clientId: string | null, before: number): StoredRevocation => ({
    id,
    clientId,
    before,
    kind: 'sid',
    value: `s1.${id}`,
    reason: 'x',
    expiresAt: before + 3540,
  })

  it('the plan takes the client with the most entries, then the next, then the oldest entries', () => {
    const revocations = [
      revocation(1, null, 10),
      revocation(2, 'b', 20),
      revocation(3, null, 30),
      revocation(4, 'b', 40),
      revocation(5, 'a', 50),
      revocation(6, 'a', 60),
      revocation(7, 'a', 70),
      revocation(8, null, 80),
    ]
    expect(planMerge(revocations, { now: 1000, limit: 8 })).toBe(null)
    expect(planMerge(revocations, { now: 1000, limit: 7 })).toEqual({
      additions: [
        { kind: 'client_id', value: 'a', clientId: 'a', before: 70, expiresAt: 3610, reason: 'merged' },
        { kind: 'client_id', value: 'b', clientId: 'b', before: 40, expiresAt: 3580, reason: 'merged' },
      ],
      removedIds: [5, 6, 7, 2, 4],
    })
    expect(planMerge(revocations, { now: 1000, limit: 2 })?.additions.at(-1)).toEqual({
      kind: 'all',
      value: '',
      clientId: null,
      before: 80,
      expiresAt: 3620,
      reason: 'merged',
    })
  })

  it('the plan leaves new entries unchanged', () => {
    const revocations = [revocation(1, 'a', 999), revocation(2, 'a', 1000), revocation(3, 'a', 1001)]
    expect(planMerge(revocations, { now: 1000, limit: 1 })).toBe(null)
  })
})
