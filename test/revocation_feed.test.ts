import { env } from 'cloudflare:workers'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { aroundKv } from './support/around_kv.ts'
import { D1_DOWN, FaultyStores, KV_DOWN } from './support/faults.ts'
import { readFeed } from './support/feed.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { endTokensOfClient, signOutUser } from './support/sign_out.ts'

/** Ends the session of a new customer. @returns its sid */
async function revokeSession(server: TestServer): Promise<string> {
  const client = await server.addClient({ confidential: false })
  const { username } = await server.addUser()
  const { access_token } = await server.signIn(client, username)
  await server.postJson({ client_id: client.id, token: access_token }, {}, '/oauth2-token/revoke')
  return decodeJwt<{ sid: string }>(access_token).sid
}

describe('GET /revocations', () => {
  beforeEach(emptyStores)

  it('the feed is a small, cacheable, signed JWT with its own type, empty at first', async () => {
    const server = new TestServer()
    const response = await server.fetch('/revocations')
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/jwt')
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=5')
    expect(response.headers.get('Age')).toBe('0')
    const token = await response.text()
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'ES256',
      kid: expect.any(String),
      typ: 'revocations+jwt',
    })
    expect(decodeJwt(token)).toEqual({
      iss: 'https://id.shop.test',
      iat: server.clock.time,
      exp: (Math.floor(server.clock.time / 900) + 1) * 900 + 3720,
      sequence: 0,
      until: '0',
      window: 3600,
      revocations: [],
    })
  })

  it('the feed lists a session, a user, a client and all tokens while their access tokens can be live', async () => {
    const server = new TestServer()
    const user = await server.addUser()
    const client = await server.addClient()
    const sid = await revokeSession(server)
    server.clock.time += 10
    await signOutUser(server, user.id)
    await endTokensOfClient(server, client.id)
    const cutAt = server.clock.time
    const userEntries = [
      { sub: user.id, before: cutAt + 3 },
      { client_id: client.id, before: cutAt + 8 },
    ]
    expect((await readFeed(server)).revocations).toEqual([{ sid, before: cutAt + 50 }, ...userEntries])
    // The last token has expired a minute ago. A session has another minute, because its token can be dated ahead.
    server.clock.time = cutAt + 8 + 3600 + 60
    expect((await readFeed(server)).revocations).toEqual([{ sid, before: cutAt + 50 }])
    server.clock.time = cutAt - 10 + 3600 + 60 + 60
    expect((await readFeed(server)).revocations).toEqual([])
  })

  it('the feed lists the revocations of every shard', async () => {
    const session_shards = [
      { name: 's1', binding: 'DB' },
      { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
    ]
    const server = new TestServer({ config: { session_shards } })
    const sids = [await revokeSession(server)]
    server.continent = 'EU'
    sids.push(await revokeSession(server))
    const { revocations, sequence } = await readFeed(server)
    expect(revocations.map((entry) => entry.sid)).toEqual(sids)
    expect(sequence).toBe(2)
  })

  it('the sequence grows with each revocation, also of the same user, and never decreases', async () => {
    const server = new TestServer()
    const user = await server.addUser()
    const sequences = [(await readFeed(server)).sequence]
    for (let i = 0; i < 3; i++) {
      await signOutUser(server, user.id)
      sequences.push((await readFeed(server)).sequence)
    }
    server.clock.time += 100_000
    await server.sweep()
    sequences.push((await readFeed(server)).sequence)
    expect(sequences).toEqual([0, 1, 2, 3, 3])
  })

  it('an isolate reads the feed again after five seconds, and an unchanged feed is a 304', async () => {
    const server = new TestServer()
    const first = await server.fetch('/revocations')
    const etag = first.headers.get('ETag') ?? ''
    await revokeSession(server)
    expect(await (await server.fetch('/revocations')).text()).toBe(await first.text())
    server.clock.time += 5
    const unchanged = new TestServer({ clock: server.clock })
    const second = await server.fetch('/revocations', { headers: { 'If-None-Match': etag } })
    expect(second.status).toBe(200)
    const latest = second.headers.get('ETag') ?? ''
    server.clock.time += 5
    for (const isolate of [server, unchanged]) {
      const third = await isolate.fetch('/revocations', { headers: { 'If-None-Match': latest } })
      expect([third.status, third.headers.get('Age'), await third.text()]).toEqual([304, '0', ''])
    }
  })

  it.each([
    ['1', 1],
    ['4', 4],
    ['0', 5],
    ['5', 5],
    ['60', 5],
    ['1.5', 5],
    ['x', 5],
  ])('a reader with max_age=%s gets a list that is at most %i s old', async (maxAge, seconds) => {
    const server = new TestServer()
    const read = () => server.fetch(`/revocations?max_age=${maxAge}`)
    const first = await read()
    expect([first.status, first.headers.get('Cache-Control')]).toEqual([200, `public, max-age=${seconds}`])
    const etag = first.headers.get('ETag')
    await revokeSession(server)
    server.clock.time += seconds - 1
    const known = await read()
    expect([known.headers.get('ETag'), known.headers.get('Age')]).toEqual([etag, String(seconds - 1)])
    server.clock.time += 1
    const renewed = await read()
    expect([renewed.headers.get('ETag') === etag, renewed.headers.get('Age')]).toEqual([false, '0'])
    expect(await (await server.fetch('/revocations')).text()).toBe(await renewed.text())
  })

  it('the feed has less than 100 kB with a thousand revocations an hour', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    const { shards } = server.services
    await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const sid = shards.newSid(UNKNOWN_CALLER)
        const now = server.clock.time
        const identity = { sid, subject: 'user:x', clientId: client.id, api: 'storefront', startedAt: now }
        const times = { expiresAt: now + 10, tokenExpiresAt: now + 10 }
        await shards.find(sid)?.end({ ...identity, ...times }, 'revoked by its client', now)
      }),
    )
    const body = await (await server.fetch('/revocations')).arrayBuffer()
    expect(decodeJwt<{ revocations: [] }>(new TextDecoder().decode(body)).revocations).toHaveLength(1000)
    expect(body.byteLength).toBeLessThan(100_000)
  })

  it('an isolate serves its last feed, with its age, while the stores are down', async () => {
    const clock = new TestClock()
    const stores = new FaultyStores()
    const server = new TestServer({ clock, env: stores.env })
    const sid = await revokeSession(server)
    const last = await (await server.fetch('/revocations')).text()
    stores.up = false
    clock.time += 90
    const response = await server.fetch('/revocations')
    expect([response.status, response.headers.get('Age')]).toEqual([200, '90'])
    expect(await response.text()).toBe(last)
    expect(JSON.stringify(decodeJwt(last))).toContain(sid)
  })

  it('a new isolate serves a copy of the feed while D1 is down, and 503 without a copy', async () => {
    const server = new TestServer()
    const last = await (await server.fetch('/revocations')).text()
    server.clock.time += 30
    // The copy in KV, and the copy of the data centre.
    for (const away of [{ DB: D1_DOWN }, { DB: D1_DOWN, KV: KV_DOWN }]) {
      const withCopy = new TestServer({ clock: server.clock, env: away })
      const response = await withCopy.fetch('/revocations')
      expect([response.headers.get('Age'), await response.text()]).toEqual(['30', last])
    }
    await emptyStores()
    const without = new TestServer({ clock: server.clock, env: { DB: D1_DOWN, KV: KV_DOWN } })
    expect((await without.fetch('/revocations')).status).toBe(503)
  })

  it('an isolate uses the newer copy, or the valid one if the other is broken', async () => {
    const server = new TestServer()
    await server.fetch('/revocations')
    const sid = await revokeSession(server)
    server.clock.time += 10
    // After less than a minute the data centre has the new list, and KV has the old one.
    const last = await (await server.fetch('/revocations')).text()
    expect(JSON.stringify(decodeJwt(last))).toContain(sid)
    const cold = () => new TestServer({ clock: server.clock, env: { DB: D1_DOWN } }).fetch('/revocations')
    expect(await (await cold()).text()).toBe(last)
    await env.KV.put('revocations', '{"token":"broken"}')
    expect(await (await cold()).text()).toBe(last)
  })

  it('an isolate copies the feed to KV at first, and then once a minute if it has changed', async () => {
    const writes: string[] = []
    const KV = aroundKv((name, call) => {
      if (name === 'put revocations') writes.push(name)
      return call()
    })
    const server = new TestServer({ env: { KV } })
    const writtenAfter = async (seconds: number) => {
      server.clock.time += seconds
      await server.fetch('/revocations')
      await server.settle()
      return writes.length
    }
    expect(await writtenAfter(0)).toBe(1)
    await revokeSession(server)
    expect(await writtenAfter(10)).toBe(1)
    expect(await writtenAfter(50)).toBe(2)
    expect(await writtenAfter(60)).toBe(2)
  })
})
