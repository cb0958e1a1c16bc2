import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { aroundD1 } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import { CONFIG, exchange, newScene, once } from '../support/exchange_races.ts'
import { FaultyStore } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, ISSUER, PASSWORD, TestServer } from '../support/server.ts'
import { signOutUser } from '../support/sign_out.ts'

const LONG = 30 * 86_400
const SESSION_COOKIE = '__Host-sallyport-customers'

describe('the pages of users of a further database', () => {
  beforeAll(emptyStores)

  it('while the database of the user is down, a signed-in browser gets 503, and then continues', async () => {
    const { near, client, user, isolate } = await newScene()
    const store = new FaultyStore()
    const server = isolate({ USERS_1: aroundD1(store.around, env.USERS_1) })
    const browser = browserOf(server)
    await authorize(server, client, { username: user.username, browser })
    store.suffer('before it is made')
    for (const changes of [{}, { prompt: 'none' }]) {
      const page = await browser.open(authorizeUrl(client, changes))
      expect([page.url.origin, page.status]).toEqual([ISSUER, 503])
    }
    const other = await new TestServer({ clock: near.clock }).addUser()
    const elsewhere = browserOf(server)
    await elsewhere.open(authorizeUrl(client))
    expect((await signInAt(elsewhere, other.username)).url.origin).toBe(new URL(CALLBACK).origin)
    store.comeBack()
    expect((await browser.open(authorizeUrl(client))).url.searchParams.get('code')).not.toBeNull()
  })

  it('while a database is down, a wrong password, an unknown name and its users get the same page', async () => {
    const { near, client, user, isolate } = await newScene()
    const other = await new TestServer({ clock: near.clock }).addUser()
    const store = new FaultyStore()
    store.suffer('before it is made')
    const server = isolate({ USERS_1: aroundD1(store.around, env.USERS_1) })
    const pages: string[] = []
    for (const [name, password] of [
      [user.username, PASSWORD],
      [user.username, 'wrong'],
      [other.username, 'wrong'],
      ['unknown@example.com', PASSWORD],
    ] as const) {
      const browser = browserOf(server)
      await browser.open(authorizeUrl(client))
      const page = await signInAt(browser, name, password)
      expect([page.status, browser.cookie(SESSION_COOKIE)]).toEqual([503, undefined])
      pages.push(page.html)
    }
    expect(new Set(pages).size).toBe(1)
  })

  it('while the database of the user is down, the ID token of the browser signs the user out', async () => {
    const { near, client, user, isolate } = await newScene()
    const store = new FaultyStore()
    const server = isolate({ USERS_1: aroundD1(store.around, env.USERS_1) })
    const browser = browserOf(server)
    const changes = { scope: 'openid cart' }
    const { code } = Object.fromEntries(
      await authorize(near, client, { username: user.username, browser, changes }),
    )
    const tokens = await near.requireTokens(exchangeOf(client, code ?? ''))
    store.suffer('before it is made')
    expect((await browser.open(`${ISSUER}/oauth2-token/logout`)).status).toBe(503)
    const hint = new URLSearchParams({ id_token_hint: tokens.id_token ?? '' })
    const page = await browser.open(`${ISSUER}/oauth2-token/logout?${hint}`)
    expect([page.status, page.html]).toEqual([200, expect.stringContaining('You are signed out')])
    store.comeBack()
    expect((await browser.open(authorizeUrl(client))).html).toContain('<h1>Sign in</h1>')
    await expect(near.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('without the database of the user in config.yml, a code gets 503, and works after the database is back', async () => {
    const { near, client, user } = await newScene()
    const response = await authorize(near, client, { username: user.username })
    const { user_databases: users } = CONFIG
    const less = { ...CONFIG, user_databases: { ...users, databases: users.databases.slice(1) } }
    const other = new TestServer({ config: less, clock: near.clock })
    expect((await exchange(other, client, response.get('code'))).status).toBe(503)
    expect((await exchange(near, client, response.get('code'))).status).toBe(200)
  })

  it('max_age, prompt, a pushed request and the ID token follow the sign-in of the user', async () => {
    const { near, user } = await newScene()
    const client = await near.addClient({ ...CODE_CLIENT, confidential: true })
    const browser = browserOf(near)
    await near.services.userAdmin.change(
      user.id,
      { profile: { name: 'Zoë Park' } },
      { versions: null, adminPool: null, now: near.clock.time },
      [],
    )
    const scope = 'openid profile cart'
    const first = await authorize(near, client, { username: user.username, browser, changes: { scope } })
    const tokens = await near.requireTokens(exchangeOf(client, first.get('code')))
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({
      iss: ISSUER,
      sub: user.id,
      aud: client.id,
      auth_time: near.clock.time,
      amr: ['pwd'],
      name: 'Zoë Park',
    })
    const headers = { Authorization: `Bearer ${tokens.access_token}` }
    const userinfo = await near.fetch('/oauth2-token/userinfo', { headers })
    expect([userinfo.status, await userinfo.json()]).toMatchObject([200, { sub: user.id, name: 'Zoë Park' }])
    near.clock.time += 100
    const silent = await browser.open(authorizeUrl(client, { prompt: 'none', max_age: '100', scope }))
    expect(silent.url.searchParams.get('code')).not.toBeNull()
    const old = await browser.open(authorizeUrl(client, { prompt: 'none', max_age: '99' }))
    expect(old.url.searchParams.get('error')).toBe('login_required')
    const parameters = Object.fromEntries(new URL(authorizeUrl(client, { prompt: 'login' })).searchParams)
    const pushed = await near.postJson(
      { ...parameters, client_secret: client.secret },
      {},
      '/oauth2-token/par',
    )
    const { request_uri } = await pushed.json<{ request_uri: string }>()
    const query = new URLSearchParams({ client_id: client.id, request_uri })
    await browser.open(`${ISSUER}/oauth2-token/authorize?${query}`)
    const again = await signInAt(browser, user.username)
    const { auth } = await readCode(near, again.url.searchParams.get('code'))
    expect(auth?.time).toBe(near.clock.time)
  })

  it('a sign-in with an outdated record of the user ends its browser session and its session', async () => {
    const { near, client, user, isolate } = await newScene()
    // The replica has the user of before a sign-out of 100 seconds ago.
    const around = once('sign_in_failures', 'after', async () => {
      near.clock.time -= 100
      await signOutUser(near, user.id)
      near.clock.time += 100
    })
    const server = isolate({ USERS_1: aroundD1(around, env.USERS_1) })
    const browser = browserOf(server)
    const code = (await authorize(server, client, { username: user.username, browser })).get('code')
    await server.settle()
    expect((await exchange(near, client, code)).status).toBe(400)
    const page = await browser.open(authorizeUrl(client))
    expect(page.html).toContain('<h1>Sign in</h1>')
    const { results } = await env.DB.prepare('SELECT reason FROM ended_browser_sessions WHERE subject = ?')
      .bind(user.id)
      .all()
    expect(results).toEqual([{ reason: 'its sign-in used an outdated record of the user' }])
  })

  it('the deletion of a user removes the ended browser sessions, also those that end later', async () => {
    const { near, client, user } = await newScene()
    const operator = await TestOperator.confirmed(near)
    const browser = browserOf(near)
    await authorize(near, client, { username: user.username, browser })
    await browser.open(`${ISSUER}/oauth2-token/logout`)
    await browser.press('Sign out')
    const left = async () =>
      (await env.DB.prepare('SELECT id FROM ended_browser_sessions WHERE subject = ?').bind(user.id).all())
        .results.length
    expect(await left()).toBe(1)
    const { headers } = await operator.get(`/users/${user.id}`)
    expect((await operator.delete(`/users/${user.id}`, headers.get('ETag'))).status).toBe(204)
    await near.settle()
    expect(await left()).toBe(0)
    const ends = { ids: ['late'], subject: user.id, keepUntil: near.clock.time + 1000 } as const
    await near.services.browserSessions.end({ ...ends, reason: 'signed out in the browser' }, near.clock.time)
    await near.cron()
    expect(await left()).toBe(0)
  })

  it('the cookie of a deleted user leaves no row, also long after the deletion', async () => {
    const { near, client, user, isolate } = await newScene({
      browser_sessions: { customers: { idle: LONG, lifetime: LONG } },
    })
    const browser = browserOf(near)
    await authorize(near, client, { username: user.username, browser })
    await near.services.signOut.removeUser(user.id, { reason: 'deleted' }, near.context())
    // The entry of the deletion is not the newest one, so it is removed when it has expired.
    await signOutUser(near, (await near.addUser()).id)
    near.clock.time += LONG / 2
    await near.cron()
    await browser.open(`${ISSUER}/oauth2-token/logout`)
    await browser.press('Sign out')
    const select = env.DB.prepare('SELECT finished_at FROM ended_browser_sessions WHERE subject = ?').bind(
      user.id,
    )
    expect((await select.all()).results).toEqual([{ finished_at: null }])
    await near.settle()
    expect(await auditOf({ kind: 'revoke', subject: user.id })).toEqual([])
    await env.USERS_1.exec('DELETE FROM user_changes')
    near.clock.time += 300
    const store = new FaultyStore()
    store.suffer('before it is made')
    await isolate({ USERS_1: aroundD1(store.around, env.USERS_1) }).cron()
    expect((await select.all()).results).toEqual([{ finished_at: null }])
    await near.cron()
    expect((await select.all()).results).toEqual([])
  })
})
