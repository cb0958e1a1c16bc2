import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AroundCall, aroundD1 } from '../support/around_d1.ts'
import { aroundObjects } from '../support/around_objects.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  readCode,
} from '../support/authorize.ts'
import { CHECK, exchange, INDEX, indexed, newScene, once, ROW } from '../support/exchange_races.ts'
import { FarStores } from '../support/far_stores.ts'
import { FAULTS, FaultyStore } from '../support/faults.ts'
import { readFeed } from '../support/feed.ts'
import { PassingTime } from '../support/passing_time.ts'
import { emptyStores, ISSUER, TestServer } from '../support/server.ts'
import { readSession } from '../support/session_stores.ts'
import { disableUser, signOutUser } from '../support/sign_out.ts'

describe('the exchange of a code of a user of a further database', () => {
  beforeAll(emptyStores)

  it('the row of the session comes first, then the check of the user, then that of the client with the index', async () => {
    const { near, client, user, isolate } = await newScene()
    const calls: string[] = []
    const note =
      (name: string): AroundCall =>
      (sql, call) => {
        const parts = [ROW, CHECK, INDEX].filter((part) => sql.includes(part))
        if (parts.length > 0) calls.push(`${name}: ${parts.join(', ')}`)
        return call()
      }
    const server = isolate({
      DB: aroundD1(note('DB')),
      USERS_1: aroundD1(note('USERS_1'), env.USERS_1),
      SESSION_OBJECTS: aroundObjects(note('object')),
    })
    const code = await newCode(near, client, user.id)
    expect((await exchange(server, client, code)).status).toBe(200)
    expect(calls).toEqual([`object: ${ROW}`, `USERS_1: ${CHECK}`, `DB: ${CHECK}, ${INDEX}`])
  })

  it.each([
    ['disabled', disableUser],
    ['signed out', signOutUser],
    [
      'deleted',
      async (server: TestServer, id: string) => {
        await server.services.signOut.removeUser(id, { reason: 'deleted' }, server.context())
      },
    ],
  ])('a user who is %s before the check gets no token, and the code is used up', async (_what, end) => {
    const { near, client, user, isolate } = await newScene()
    const code = await newCode(near, client, user.id)
    const { sid } = await readCode(near, code)
    const around = once(CHECK, 'before', () => end(near, user.id))
    const server = isolate({ USERS_1: aroundD1(around, env.USERS_1) })
    expect(await exchange(server, client, code)).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'its code was refused' }])
    expect(await indexed(sid)).toBe(0)
    expect((await exchange(near, client, code)).status).toBe(400)
  })

  it.each([
    ['disabled', disableUser],
    ['signed out', signOutUser],
  ])(
    'a user who is %s after the check gets tokens that the feed revokes and that refresh nothing',
    async (_what, end) => {
      const { near, client, user, isolate } = await newScene()
      const code = await newCode(near, client, user.id)
      const around = once(CHECK, 'after', () => end(near, user.id))
      const server = isolate({ USERS_1: aroundD1(around, env.USERS_1) })
      const tokens = await exchange(server, client, code)
      expect(tokens.status).toBe(200)
      const { iat = 0 } = decodeJwt(tokens.access_token ?? '')
      const { revocations } = await readFeed(near)
      const entry = revocations.find((revocation) => 'sub' in revocation && revocation.sub === user.id)
      expect(entry?.before).toBeGreaterThan(iat)
      await expect(near.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    },
  )

  it.each([
    ['before the check in the main database it refuses the code', 'before', 400],
    ['after it, it ends the new session', 'after', 200],
  ] as const)('a logout at the time of an exchange: %s', async (_what, when, status) => {
    const { near, client, user, isolate } = await newScene()
    const browser = browserOf(near)
    const code = (await authorize(near, client, { username: user.username, browser })).get('code')
    const { sid } = await readCode(near, code)
    const logout = async () => {
      await browser.open(`${ISSUER}/oauth2-token/logout`)
      await browser.press('Sign out')
      await near.settle()
    }
    const server = isolate({ DB: aroundD1(once(INDEX, when, logout)) })
    const tokens = await exchange(server, client, code)
    expect(tokens.status).toBe(status)
    const reason = when === 'before' ? 'its code was refused' : 'signed out in the browser'
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: reason }])
    expect((await exchange(near, client, code)).status).toBe(400)
    expect((await browser.open(authorizeUrl(client))).html).toContain('<h1>Sign in</h1>')
  })

  it.each([
    ['USERS_1', CHECK],
    ['DB', INDEX],
  ] as const)(
    'while %s is down, a code gets 503 and stores nothing, and then works once',
    async (binding, part) => {
      const { near, client, user, isolate } = await newScene()
      for (const fault of FAULTS) {
        const code = await newCode(near, client, user.id)
        const { sid } = await readCode(near, code)
        const store = new FaultyStore()
        store.judge = (sql) => (sql.includes(part) ? fault : null)
        const server = isolate({ [binding]: aroundD1(store.around, env[binding]) })
        const refused = await exchange(server, client, code)
        await store.settle()
        expect([refused.status, refused.error]).toEqual([503, 'temporarily_unavailable'])
        expect(await readSession(sid, 'sid')).toEqual([])
        if (binding === 'USERS_1') expect(await indexed(sid)).toBe(0)
        store.comeBack()
        expect((await exchange(server, client, code)).status).toBe(200)
        expect((await exchange(server, client, code)).status).toBe(400)
        expect(await indexed(sid)).toBe(1)
      }
    },
  )

  it('a lost response of either database does not use up the code in the same request', async () => {
    const { near, client, user, isolate } = await newScene()
    for (const part of [CHECK, INDEX]) {
      const store = new FaultyStore()
      let failed = 0
      store.judge = (sql) => (sql.includes(part) && failed++ === 0 ? 'after it is done' : null)
      const server = isolate({
        DB: aroundD1(part === INDEX ? store.around : (_sql, call) => call()),
        USERS_1: aroundD1(store.around, env.USERS_1),
      })
      const tokens = await exchange(server, client, await newCode(near, client, user.id))
      expect([tokens.status, failed]).toEqual([200, 2])
      await near.refresh(client, tokens.refresh_token)
    }
  })

  it('of parallel exchanges of one code at most one gives tokens, and the session ends', async () => {
    const { near, client, user, isolate } = await newScene()
    const code = await newCode(near, client, user.id)
    const { sid } = await readCode(near, code)
    const all = await Promise.all(Array.from({ length: 4 }, () => exchange(isolate({}), client, code)))
    const given = all.filter(({ status }) => status === 200)
    expect(given.length).toBeLessThanOrEqual(1)
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'replayed authorization code' }])
    for (const { refresh_token } of given)
      await expect(near.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a code that names a shard of the main database opens its session there', async () => {
    const { near, client, user } = await newScene()
    const { shards } = new TestServer({ clock: near.clock }).services
    const codeInShard = () => newCode(near, client, user.id, { sid: shards.newSid(near.context()) })
    const tokens = await exchange(near, client, await codeInShard())
    expect(tokens.status).toBe(200)
    await near.refresh(client, tokens.refresh_token)
    const late = await codeInShard()
    await disableUser(near, user.id)
    expect((await exchange(near, client, late)).status).toBe(400)
  })

  it('an exchange waits once more than that of a user of the main database', async () => {
    const { near, client, user, isolate } = await newScene()
    const other = await new TestServer({ clock: near.clock }).addUser()
    const waits: number[] = []
    for (const { id } of [other, user]) {
      const stores = new FarStores()
      const server = isolate(stores.env)
      const time = new PassingTime(stores)
      // The first exchange reads the keys.
      await time.during(exchange(server, client, await newCode(near, client, id)))
      const code = await newCode(near, client, id)
      const before = time.elapsedMs
      expect((await time.during(exchange(server, client, code))).status).toBe(200)
      waits.push(time.elapsedMs - before)
    }
    expect(waits).toEqual([2, 3])
  })

  it('the exchange ends the session of the guest, and the tokens name the guest', async () => {
    const { near, user } = await newScene()
    const client = await near.addClient({ ...CODE_CLIENT, grants: [...CODE_CLIENT.grants, 'password'] })
    const guest = await near.requireTokens({
      grant_type: 'password',
      client_id: client.id,
      username: 'guest',
      password: 'guest',
    })
    const changes = { visitor_access_token: guest.access_token }
    const response = await authorize(near, client, { username: user.username, changes })
    const tokens = await near.requireTokens(exchangeOf(client, response.get('code')))
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      sub: user.id,
      visitor_id: decodeJwt(guest.access_token).sub,
    })
    await expect(near.refresh(client, guest.refresh_token)).rejects.toThrow('invalid_grant')
  })
})
