import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { endBrowserSessions } from '../src/browser/end_browser_sessions.ts'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { isObjectName, marketOfObject } from '../src/sessions/object_name.ts'
import { ONE_FACTOR } from '../src/signin/authentication_level.ts'
import { aroundD1 } from './support/around_d1.ts'
import { CODE_CLIENT, exchangeOf, newCode } from './support/authorize.ts'
import { D1_DOWN } from './support/faults.ts'
import { readFeed } from './support/feed.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, type TestClient, TestServer } from './support/server.ts'
import {
  allObjects,
  IN_OBJECTS,
  IN_STRICT_OBJECTS,
  type ObjectStub,
  objectOf,
  readObject,
  readUnsentCutoffs,
  runAlarms,
  sessionObjects,
  sweepObjects,
  wrapMainDatabase,
} from './support/session_objects.ts'
import { readSession } from './support/session_stores.ts'

const DAY = 86_400

function sidOf(token: string | undefined): string {
  return decodeJwt<{ sid: string }>(token ?? '').sid
}

async function indexOf(sid: string) {
  return env.DB.prepare('SELECT * FROM session_index WHERE sid = ?').bind(sid).first()
}

async function countIndexed(): Promise<unknown> {
  return env.DB.prepare('SELECT count(*) AS n FROM session_index').first('n')
}

function revoke(server: TestServer, client: TestClient, token: string | undefined): Promise<Response> {
  return server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/revoke')
}

/** Gives an object another main database. */
function setDatabase(object: ObjectStub, db: D1Database): Promise<void> {
  return runInDurableObject(object, (instance) => {
    Reflect.set(instance, 'env', { DB: db })
  })
}

describe('a session object', () => {
  beforeEach(emptyStores)

  it('stores the sessions of its market, and the index gets a session after its first refresh', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { id, username } = await server.addUser()
    server.continent = 'NA'
    server.longitude = '-122.4'
    const first = await server.signIn(client, username)
    const sid = sidOf(first.access_token)
    expect(sid).toMatch(/^wnam-[01]\.[\w-]{22}$/)
    const second = await server.refresh(client, first.refresh_token)
    await server.refresh(client, second.refresh_token)
    const select = 'SELECT seq, subject, client_id, ended_at FROM sessions WHERE sid = ?'
    const row = { seq: 2, subject: id, client_id: client.id, ended_at: null }
    expect(await readObject(objectOf(sid), select, sid)).toEqual([row])
    expect(await env.DB.prepare('SELECT count(*) AS n FROM sessions').first('n')).toBe(0)
    expect(await indexOf(sid)).toBeNull()
    await runAlarms()
    const times = { started_at: server.clock.time, browser_id: null, consent_id: null }
    expect(await indexOf(sid)).toEqual({
      sid,
      subject: id,
      client_id: client.id,
      api: 'storefront',
      ...times,
    })
    expect(await readObject(objectOf(sid), 'SELECT * FROM index_changes')).toEqual([])
  })

  it('lists an ended session in the revocation feed before the response', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const sid = sidOf(tokens.access_token)
    expect((await revoke(server, client, tokens.refresh_token)).status).toBe(200)
    const { revocations } = await readFeed(server)
    expect(revocations).toContainEqual({ sid, before: server.clock.time + 60 })
    expect(await readUnsentCutoffs(objectOf(sid))).toEqual([])
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('400')
  })

  it('ends a session while D1 is down with a 503, and the alarm lists it in the feed when D1 is back', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => error.mockRestore())
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const sid = sidOf(tokens.access_token)
    const object = objectOf(sid)
    await setDatabase(object, D1_DOWN)
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await revoke(server, client, tokens.refresh_token)
      expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '2'])
    }
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'revoked by its client' }])
    await runAlarms()
    expect(await readUnsentCutoffs(object)).toEqual([sid])
    expect(error.mock.calls.map(([line]) => JSON.parse(line).event)).toContain('session_object_not_sent')
    await setDatabase(object, env.DB)
    await runAlarms()
    expect((await readFeed(server)).revocations).toContainEqual({ sid, before: server.clock.time + 60 })
    expect(await readUnsentCutoffs(object)).toEqual([])
    expect((await revoke(server, client, tokens.refresh_token)).status).toBe(200)
    expect(await indexOf(sid)).toMatchObject({ sid })
  })

  it('sends after a restart what it could not send before', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const sid = sidOf(tokens.access_token)
    await setDatabase(objectOf(sid), D1_DOWN)
    expect((await revoke(server, client, tokens.refresh_token)).status).toBe(503)
    await evictDurableObject(objectOf(sid))
    await runAlarms()
    expect((await readFeed(server)).revocations).toContainEqual({ sid, before: server.clock.time + 60 })
  })

  it('removes an expired session and its row in the index', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const tokens = await server.signIn(client, 'guest', 'guest')
    const sid = sidOf(tokens.access_token)
    await server.refresh(client, tokens.refresh_token)
    await runAlarms()
    await sweepObjects(server.clock.time + 30 * DAY - 1)
    expect(await indexOf(sid)).toMatchObject({ sid })
    await sweepObjects(server.clock.time + 30 * DAY)
    expect(await readObject(objectOf(sid), 'SELECT * FROM sessions')).toEqual([])
    expect(await indexOf(sid)).toBeNull()
  })

  it('removes a sent cutoff when the feed no longer lists it', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const object = objectOf(sidOf(tokens.access_token))
    await revoke(server, client, tokens.refresh_token)
    const [{ expires_at } = {}] = await readObject(object, 'SELECT expires_at FROM cutoffs')
    await sweepObjects(Number(expires_at) + 59)
    expect(await readObject(object, 'SELECT expires_at FROM cutoffs')).toEqual([{ expires_at }])
    await sweepObjects(Number(expires_at) + 60)
    expect(await readObject(object, 'SELECT expires_at FROM cutoffs')).toEqual([])
  })

  it('has the columns of D1 in its tables', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const tokens = await server.signIn(await server.addClient(), 'guest', 'guest')
    const object = objectOf(sidOf(tokens.access_token))
    for (const table of ['sessions', 'cutoffs']) {
      const sql = `SELECT name, type, "notnull", pk FROM pragma_table_info('${table}') ORDER BY name`
      const { results } = await env.DB.prepare(sql).all()
      // A primary key without a rowid is never null.
      const expected = results.map((column) => (column.name === 'sid' ? { ...column, notnull: 1 } : column))
      expect(await readObject(object, sql)).toEqual(expected)
    }
  })
})

describe('sessions in objects and in databases', () => {
  beforeEach(emptyStores)

  it('sessions continue when objects are added, change their number or get no new sessions', async () => {
    const before = new TestServer()
    const { clock } = before
    const client = await before.addClient()
    const servers = [300, 2, 0].map((perMarket) => {
      const session_objects = { per_market: Math.min(perMarket, 256), strict: true }
      return new TestServer({ config: { session_objects }, clock })
    })
    const started = await Promise.all(
      [before, ...servers].map((server) => server.signIn(client, 'guest', 'guest')),
    )
    const names = started.map(({ access_token }) => sidOf(access_token).split('.')[0])
    expect(names).toEqual(['s1', ...[1, 2].map(() => expect.stringMatching(/^enam-\d+$/)), 's1'])
    for (const server of servers)
      for (const tokens of started) await server.refresh(client, tokens.refresh_token)
    await expect(before.refresh(client, started[1]?.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('an unknown name of an object is no session, and creates no object', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const operator = await TestOperator.signIn(server)
    const names = ['weur-256', 'weur-01', 'weur--1', 'mars-1', 'weur', 'WEUR-1', 'weur-1e1']
    for (const name of names)
      expect((await operator.get(`/sessions/${name}.aaaaaaaaaaaaaaaaaaaaaa`)).status).toBe(404)
    // Late work of other tests can create objects, so a count of them proves nothing.
    const existing = (await allObjects()).map(({ id }) => String(id))
    for (const name of names) expect(existing).not.toContain(String(sessionObjects().idFromName(name)))
    expect(existing).toContain(String(objectOf(sidOf(operator.tokens.access_token)).id))
  })

  it.each([
    ['weur-0', true],
    ['me-255', true],
    ['me-256', false],
    ['me-00', false],
    ['s1', false],
    ['enam-', false],
    ['enam-1.5', false],
    ['xenam-1', false],
  ])('the name %s is that of an object: %s', (name, isName) => {
    expect(isObjectName(name)).toBe(isName)
    expect(marketOfObject(name)).toBe(isName ? name.split('-')[0] : null)
  })
})

describe('the index of the sessions in objects', () => {
  beforeEach(emptyStores)

  /** A client of codes, a user, and the session of a code in a market. */
  async function newShop() {
    const server = new TestServer({ config: IN_STRICT_OBJECTS })
    const client = await server.addClient(CODE_CLIENT)
    const user = await server.addUser()
    const auth = (browser: string) => ({ time: server.clock.time, amr: ['pwd'], acr: ONE_FACTOR, browser })
    const exchange = async (continent: string, browser: string) => {
      const sid = server.services.shards.newSid({ ...UNKNOWN_CALLER, continent })
      return server.postJson(
        exchangeOf(client, await newCode(server, client, user.id, { sid, auth: auth(browser) })),
      )
    }
    const open = async (continent: string, browser: string) =>
      (await exchange(continent, browser)).json<{ access_token: string; refresh_token: string }>()
    return { server, client, user, exchange, open }
  }

  it('has the session of a code when the client gets its tokens', async () => {
    const { open, client, user, server } = await newShop()
    const sid = sidOf((await open('EU', 'browser 1')).access_token)
    expect(await indexOf(sid)).toEqual({
      sid,
      subject: user.id,
      client_id: client.id,
      api: 'storefront',
      started_at: server.clock.time,
      browser_id: 'browser 1',
      consent_id: null,
    })
    expect(await readObject(objectOf(sid), 'SELECT * FROM index_changes')).toEqual([])
  })

  it('has a session that opens again while D1 removes its row', async () => {
    const { open } = await newShop()
    const sid = sidOf((await open('EU', 'browser 1')).access_token)
    const object = objectOf(sid)
    const [row = {}] = await readObject(object, 'SELECT * FROM sessions WHERE sid = ?', sid)
    const columns = Object.keys(row)
    const insertion = `INSERT INTO sessions (${columns}) VALUES (${columns.map(() => '?')})`
    let reopen = () => {}
    await wrapMainDatabase(object, () =>
      aroundD1((sql, call) => {
        if (sql.includes('DELETE FROM session_index')) reopen()
        return call()
      }),
    )
    await readObject(object, 'DELETE FROM sessions WHERE sid = ?', sid)
    await runInDurableObject(object, (instance, { storage }) => {
      reopen = () => void storage.sql.exec(insertion, ...Object.values(row))
      return instance.alarm()
    })
    expect(await indexOf(sid)).toBeNull()
    await runInDurableObject(object, (instance) => instance.alarm())
    expect(await indexOf(sid)).toMatchObject({ sid })
  })

  it('lets a logout end the sessions of a browser in every market, and no other session', async () => {
    const { server, client, user, open } = await newShop()
    const [european, american, other] = [
      await open('EU', 'browser 1'),
      await open('NA', 'browser 1'),
      await open('EU', 'browser 2'),
    ]
    const occasion = { clientId: null, services: server.services, context: server.context() }
    const session = { subject: user.id, endsAt: server.clock.time + DAY }
    await endBrowserSessions(session, ['browser 1'], occasion)
    const listed = (await readFeed(server)).revocations.map(({ sid }) => sid)
    for (const { access_token, refresh_token } of [european, american]) {
      expect(listed).toContain(sidOf(access_token))
      await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
    }
    await server.refresh(client, other.refresh_token)
  })

  it('lets the cron trigger end a session whose logout did not reach it', async () => {
    const { server, client, user, open } = await newShop()
    const left = await open('OC', 'browser 1')
    const ends = { ids: ['browser 1'], subject: user.id, keepUntil: server.clock.time + DAY }
    const reason = 'signed out in the browser'
    await server.services.browserSessions.end({ ...ends, reason }, server.clock.time)
    await server.cron()
    await expect(server.refresh(client, left.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('has the session of a refused code as one that ended', async () => {
    const { server, user, exchange } = await newShop()
    await server.services.userAdmin.change(
      user.id,
      { enabled: false },
      { versions: null, adminPool: null, now: server.clock.time },
      [],
    )
    expect((await exchange('EU', 'browser 1')).status).toBe(400)
    await runAlarms()
    const objects = await allObjects()
    const rows = await Promise.all(
      objects.map((object) => readObject(object, 'SELECT ended_at FROM sessions')),
    )
    expect(rows.flat()).toEqual([{ ended_at: server.clock.time }])
    expect(await countIndexed()).toBe(1)
  })

  it('keeps the new row of a missing session in a list, because its code may open it again', async () => {
    const { server, user, open } = await newShop()
    const operator = await TestOperator.signIn(server)
    const sid = sidOf((await open('EU', 'browser 1')).access_token)
    await readObject(objectOf(sid), 'DELETE FROM sessions WHERE sid = ?', sid)
    const list = () => operator.get(`/sessions?subject=${user.id}`)
    server.clock.time += 599
    expect((await list()).status).toBe(200)
    expect(await indexOf(sid)).toMatchObject({ sid })
    server.clock.time += 1
    expect((await list()).status).toBe(200)
    expect(await indexOf(sid)).toBeNull()
  })

  it('is repaired by a list: an old row without a session goes, and the page is full', async () => {
    const { server, user, open } = await newShop()
    const operator = await TestOperator.signIn(server)
    const sids: string[] = []
    for (let i = 0; i < 5; i++) {
      server.clock.time += 1
      sids.unshift(sidOf((await open('EU', 'browser 1')).access_token))
    }
    const lost = sids.slice(1, 4)
    for (const sid of lost) await readObject(objectOf(sid), 'DELETE FROM sessions WHERE sid = ?', sid)
    await env.DB.prepare('DELETE FROM audit_events WHERE sid IS NOT NULL').run()
    server.clock.time += 600
    const { body } = await operator.get(`/sessions?subject=${user.id}&limit=2`)
    expect((body.items as { sid: string }[]).map(({ sid }) => sid)).toEqual([sids[0], sids[4]])
    expect(await countIndexed()).toBe(2)
  })

  it('forgets an erased user, and so do the sessions in objects', async () => {
    const { server, client, user, open } = await newShop()
    const sids = [await open('EU', 'browser 1'), await open('AS', 'browser 1')].map((tokens) =>
      sidOf(tokens.access_token),
    )
    const admin = await TestOperator.confirmed(server)
    const erased = await admin.post(`/users/${user.id}/erase`, { username: user.username })
    expect(erased.status).toBe(204)
    await server.cron()
    for (const sid of sids) {
      const pseudonym = expect.stringMatching(/^user:erased-[\w-]{22}$/)
      expect(await readSession(sid, 'subject, client_id')).toEqual([
        { subject: pseudonym, client_id: client.id },
      ])
      expect(await indexOf(sid)).toMatchObject({ subject: pseudonym })
    }
  })
})
