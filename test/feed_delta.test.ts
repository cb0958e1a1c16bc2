import { env } from 'cloudflare:workers'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { aroundD1 } from './support/around_d1.ts'
import { FaultyStores } from './support/faults.ts'
import { type FeedClaims, readDelta, readFeed } from './support/feed.ts'
import { emptyStores, TestServer } from './support/server.ts'
import { signOutUser } from './support/sign_out.ts'

const SHARDS = {
  session_shards: [
    { name: 's1', binding: 'DB' },
    { name: 'eu', binding: 'SESSIONS_EU' },
  ],
}

/** Adds a feed entry for a session that has just ended. */
async function list(server: TestServer, sid: string, db: D1Database = env.DB): Promise<void> {
  const now = server.clock.time
  await db
    .prepare(
      `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
       VALUES ('sid', ?1, ?2 + 60, 'revoked by its client', ?2, ?2 + 3600, 'shop')`,
    )
    .bind(sid, now)
    .run()
}

const sidsOf = ({ revocations }: FeedClaims) => revocations.map(({ sid }) => sid)

async function typeOf(server: TestServer, since: string): Promise<string | undefined> {
  const response = await server.fetch(`/revocations?since=${since}`)
  const { typ } = decodeProtectedHeader(new TextDecoder().decode(await response.arrayBuffer()))
  return typ
}

describe('GET /revocations?since=', () => {
  beforeEach(emptyStores)

  it('a delta lists the entries added since its cursor, in a signed JWT with its own type', async () => {
    const server = new TestServer()
    for (const sid of ['s1.a', 's1.b']) await list(server, sid)
    const { until, exp, window } = await readFeed(server)
    expect(until).toBe('2')
    for (const sid of ['s1.c', 's1.d']) await list(server, sid)
    expect(await readDelta(server, until)).toEqual({
      iss: 'https://id.shop.test',
      iat: server.clock.time,
      exp,
      window,
      sequence: 4,
      since: '2',
      until: '4',
      revocations: ['s1.c', 's1.d'].map((sid) => ({ sid, before: server.clock.time + 60 })),
    })
  })

  it('a delta of one entry has a few hundred bytes, and an unchanged delta is a 304 without a body', async () => {
    const server = new TestServer()
    for (let i = 0; i < 500; i++) await list(server, `s1.${i}`)
    const first = await server.fetch('/revocations?since=499')
    expect(first.headers.get('Cache-Control')).toBe('public, max-age=5')
    expect(first.headers.get('Age')).toBe('0')
    expect((await first.arrayBuffer()).byteLength).toBeLessThan(500)
    server.clock.time += 5
    const headers = { 'If-None-Match': first.headers.get('ETag') ?? '' }
    for (const isolate of [server, server.anotherIsolate()]) {
      const second = await isolate.fetch('/revocations?since=499', { headers })
      expect([second.status, second.headers.get('Age'), await second.text()]).toEqual([304, '0', ''])
    }
  })

  it('a cursor names the position in each database', async () => {
    const server = new TestServer({ config: SHARDS })
    for (const sid of ['s1.a', 's1.b', 's1.c']) await list(server, sid)
    await list(server, 'eu.a', env.SESSIONS_EU)
    const { until, sequence } = await readFeed(server)
    expect([until, sequence]).toEqual(['DB-3.SESSIONS_EU-1', 4])
    await list(server, 'eu.b', env.SESSIONS_EU)
    const delta = await readDelta(server, until)
    expect([sidsOf(delta), delta.until, delta.sequence]).toEqual([['eu.b'], 'DB-3.SESSIONS_EU-2', 5])
    // The positions differ, and their sum is the same.
    expect(sidsOf(await readDelta(server, 'DB-2.SESSIONS_EU-2'))).toEqual(['s1.c'])
  })

  it.each([
    '',
    '-1',
    '1.5',
    '01',
    'x',
    '1e3',
    '3',
    '9'.repeat(20),
    'DB-1',
    'DB-1.SESSIONS_EU-1',
    '1&since=2&since',
  ])(
    'the response is the whole list if the cursor is %j: malformed, ahead, or of other databases',
    async (since) => {
      const server = new TestServer()
      for (const sid of ['s1.a', 's1.b']) await list(server, sid)
      const isCursor = since.startsWith('1&')
      expect(await typeOf(server, since)).toBe(isCursor ? 'revocations-delta+jwt' : 'revocations+jwt')
    },
  )

  it.each([
    '3',
    'DB-1',
    'DB-1.SESSIONS_EU-x',
    'DB-1.DB-1',
    'DB-1.SESSIONS_EU-1.OTHER-1',
    'DB-1.SESSIONS_EU-9',
  ])('the response is the whole list of several databases if the cursor is %j', async (since) => {
    const server = new TestServer({ config: SHARDS })
    await list(server, 's1.a')
    await list(server, 'eu.a', env.SESSIONS_EU)
    expect(await typeOf(server, since)).toBe('revocations+jwt')
  })

  it('a reader that is more than a thousand entries behind gets the whole list', async () => {
    const server = new TestServer()
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
       INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
       SELECT 'sid', 's1.' || i, ?1 + 60, 'x', ?1, ?1 + 3600 FROM n`,
    )
      .bind(server.clock.time)
      .run()
    expect(await typeOf(server, '0')).toBe('revocations+jwt')
    expect(await typeOf(server, '1')).toBe('revocations-delta+jwt')
  })

  it('an isolate reads the stores again, once a second, for a reader with a newer cursor', async () => {
    let reads = 0
    const DB = aroundD1((sql, call) => {
      if (sql.includes('FROM cutoffs WHERE id >')) reads++
      return call()
    })
    const server = new TestServer({ env: { DB } })
    await server.fetch('/revocations')
    server.clock.time += 1
    await list(server, 's1.a')
    expect((await readDelta(server, '1')).until).toBe('1')
    expect(reads).toBe(2)
    for (let i = 0; i < 5; i++) await server.fetch('/revocations?since=7')
    expect(reads).toBe(2)
    server.clock.time += 1
    for (let i = 0; i < 5; i++) await server.fetch('/revocations?since=7')
    expect(reads).toBe(3)
  })

  it('a delta lists a user whose tokens were revoked again', async () => {
    const server = new TestServer()
    const { id } = await server.addUser()
    await signOutUser(server, id)
    const { until } = await readFeed(server)
    server.clock.time += 10
    await signOutUser(server, id)
    const entry = { sub: id, before: server.clock.time + 3 }
    expect((await readDelta(server, until)).revocations).toEqual([entry])
    expect((await readFeed(server)).revocations).toEqual([entry])
  })

  it('an isolate serves a delta from memory, with its age, while the stores are down', async () => {
    const stores = new FaultyStores()
    const server = new TestServer({ env: stores.env })
    await list(server, 's1.a')
    await server.fetch('/revocations')
    stores.up = false
    server.clock.time += 90
    const response = await server.fetch('/revocations?since=0')
    expect([response.status, response.headers.get('Age')]).toEqual([200, '90'])
    expect(decodeJwt<FeedClaims>(new TextDecoder().decode(await response.arrayBuffer())).until).toBe('1')
  })
})

describe('an isolate that holds the list', () => {
  beforeEach(emptyStores)

  it('the isolate reads new entries, and reads all entries again after the ids went back', async () => {
    const afterIds: unknown[] = []
    const server = new TestServer()
    const [store] = server.services.revocationStores.values()
    const original = store?.list.bind(store)
    Object.assign(store ?? {}, {
      list: (query: { now: number; afterId?: number }) => {
        afterIds.push(query.afterId ?? 0)
        return original?.(query)
      },
    })
    const sids = async () => {
      server.clock.time += 5
      const token = await (await server.fetch('/revocations')).arrayBuffer()
      return sidsOf(decodeJwt<FeedClaims>(new TextDecoder().decode(token)))
    }
    server.clock.time = Math.floor(server.clock.time / 900) * 900 + 900
    for (const sid of ['s1.a', 's1.b']) await list(server, sid)
    expect(await sids()).toEqual(['s1.a', 's1.b'])
    await list(server, 's1.c')
    expect(await sids()).toEqual(['s1.a', 's1.b', 's1.c'])
    await env.DB.prepare('DELETE FROM cutoffs WHERE id > 1').run()
    expect(await sids()).toEqual(['s1.a'])
    expect(afterIds).toEqual([0, 2, 3, 0])
  })

  it('every isolate signs the list again each quarter of an hour, with the same exp and ETag', async () => {
    const server = new TestServer()
    await list(server, 's1.a')
    server.clock.time = Math.floor(server.clock.time / 900) * 900 + 900
    const read = async (isolate: TestServer) => {
      const response = await isolate.fetch('/revocations')
      const { exp } = decodeJwt(new TextDecoder().decode(await response.arrayBuffer()))
      return [response.headers.get('ETag'), exp]
    }
    const first = await read(server)
    expect(first[1]).toBe(server.clock.time + 900 + 3600 + 120)
    server.clock.time += 899
    expect(await read(server)).toEqual(first)
    expect(await read(server.anotherIsolate())).toEqual(first)
    server.clock.time += 5
    const second = await read(server)
    expect(second[0]).not.toBe(first[0])
    expect(second[1]).toBe(Number(first[1]) + 900)
  })
})
