import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { en } from '../../src/pages/languages/en.ts'
import { TEXTS } from '../../src/pages/languages/texts.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import {
  BACKOFFICE_AUDIENCE,
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
} from '../support/server.ts'
import { IN_USER_DATABASES, readSessions, SESSION_STORES } from '../support/session_stores.ts'

const LOGOUT = `${ISSUER}/oauth2-token/logout`
const SIGNED_OUT = 'https://app.test/signed-out'

/** Tokens of the other API live longer. */
const STOREFRONT_SECONDS = 900

/** The longest lifetime of a browser session by default. */
const BROWSER_SESSION_SECONDS = 12 * 3600

const SESSION_COOKIE = '__Host-sallyport-customers'

/** Addresses that differ from SIGNED_OUT, or only look like it. */
const LOOKALIKES = [
  'https://evil.test/',
  'https://app.test.evil.test/signed-out',
  'https://app.test@evil.test/signed-out',
  'https:\\\\app.test\\signed-out',
  '//app.test/signed-out',
  'https://app.test/%73igned-out',
  'https://APP.test/signed-out',
  'https://аpp.test/signed-out',
  `${SIGNED_OUT}#x`,
  'com.example.app:/signed-out',
  'javascript:alert(1)',
]

const logoutUrl = (parameters: Record<string, string>) => `${LOGOUT}?${new URLSearchParams(parameters)}`

/** All sessions are in one database, or in one object. So each store reaches the limit of a logout. */
const STORES = [...SESSION_STORES, IN_USER_DATABASES].map(({ name, config }) =>
  name === 'D1'
    ? { name, config }
    : { name, config: { ...config, session_objects: { per_market: 1, strict: true } } },
)

describe.each(STORES)('the logout endpoint, with sessions in $name', (store) => {
  const storefront = { audience: STOREFRONT_AUDIENCE, users: 'customers', scopes: ['cart'] }
  const server = new TestServer({
    config: {
      ...store.config,
      apis: {
        storefront: { ...storefront, access_token_lifetime: STOREFRONT_SECONDS },
        backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff' },
      },
    },
  })
  let client: TestClient
  let username: string
  let userId: string

  beforeAll(async () => {
    await emptyStores()
    client = await server.addClient({
      ...CODE_CLIENT,
      postLogoutRedirectUris: [SIGNED_OUT, `${SIGNED_OUT}?a=b`],
    })
  })

  // The codes of a user in a minute have a budget, which the tests together would use up.
  beforeEach(async () => {
    const user = await server.addUser()
    username = user.username
    userId = user.id
  })

  /** A browser in which the user signed in, and the tokens of the client. */
  async function signedIn(of = client) {
    const browser = browserOf(server)
    const code = (await authorize(server, of, { username, browser, changes: { scope: 'openid cart' } })).get(
      'code',
    )
    return { browser, tokens: await server.requireTokens(exchangeOf(of, code)) }
  }

  const isSignedIn = async (browser: ReturnType<typeof browserOf>) =>
    (await browser.open(authorizeUrl(client))).url.origin !== ISSUER

  it('an ID token of this browser signs the user out without a question, and ends the sessions of first-party clients', async () => {
    const start = server.clock.time
    const { browser, tokens } = await signedIn()
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    const allowed = await browser.press('Allow')
    const third = await server.requireTokens(exchangeOf(partner, allowed.url.searchParams.get('code')))
    const page = await browser.open(
      logoutUrl({
        id_token_hint: tokens.id_token ?? '',
        logout_hint: 'another-user',
        post_logout_redirect_uri: `${SIGNED_OUT}?a=b`,
        state: 'x&y',
      }),
    )
    expect(page.url.href).toBe(`${SIGNED_OUT}?a=b&state=x%26y`)
    expect(await isSignedIn(browser)).toBe(false)
    const { auth } = await readCode(server, allowed.url.searchParams.get('code'))
    const end = env.DB.prepare('SELECT keep_until FROM ended_browser_sessions WHERE id = ?')
    expect(await end.bind(auth?.browser).first('keep_until')).toBe(start + BROWSER_SESSION_SECONDS)
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    await server.refresh(partner, third.refresh_token)
    const { results } = await env.DB.prepare(
      "SELECT kind, value, expires_at - created_at AS seconds FROM cutoffs WHERE reason = 'signed out in the browser'",
    ).all()
    expect(results).toEqual([
      { kind: 'sid', value: decodeJwt(tokens.access_token).sid, seconds: STOREFRONT_SECONDS + 60 },
    ])
    expect(await auditOf({ reason: 'signed out in the browser' })).toMatchObject([
      { kind: 'revoke', outcome: 'ok', subject: userId, client_id: client.id, sid: null },
    ])
  })

  it('a request without a hint of this browser asks the user, and the form signs out once', async () => {
    const other = await signedIn()
    const { browser, tokens } = await signedIn()
    for (const parameters of [
      {},
      { client_id: client.id, post_logout_redirect_uri: SIGNED_OUT },
      { id_token_hint: other.tokens.id_token ?? '', post_logout_redirect_uri: SIGNED_OUT },
    ]) {
      const page = await browser.open(logoutUrl(parameters))
      expect(page.html).toContain('Sign out?')
      expect(page.html).toContain(`<p>${en.account.signedInAs(username)}</p>`)
    }
    const kept = await browser.press('Stay signed in')
    expect(kept.url.href).toBe(SIGNED_OUT)
    expect(await isSignedIn(browser)).toBe(true)
    await browser.open(logoutUrl({ client_id: client.id, post_logout_redirect_uri: SIGNED_OUT, state: 's' }))
    const end = await browser.press('Sign out')
    expect(end.url.href).toBe(`${SIGNED_OUT}?state=s`)
    expect(await isSignedIn(browser)).toBe(false)
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    await server.refresh(client, other.tokens.refresh_token)
    const again = await browser.open(logoutUrl({}))
    expect(again.html).toContain('You are signed out')
  })

  it('an ID token that has expired signs the user out without a question', async () => {
    const { browser, tokens } = await signedIn()
    server.clock.time += 3000
    await browser.open(authorizeUrl(client))
    server.clock.time += 601
    expect(decodeJwt(tokens.id_token ?? '').exp).toBeLessThan(server.clock.time)
    await browser.open(logoutUrl({ id_token_hint: tokens.id_token ?? '', client_id: client.id }))
    expect(browser.page.html).toContain('You are signed out')
  })

  it('a cookie from before a logout stays useless after the operator makes browser sessions longer', async () => {
    const { browser } = await signedIn()
    const Cookie = `${SESSION_COOKIE}=${browser.cookie(SESSION_COOKIE)}`
    await browser.open(LOGOUT)
    await browser.press('Sign out')
    server.clock.time += 12 * 3600
    await server.sweep()
    const longer = { customers: { idle: 86_400, lifetime: 30 * 86_400 } }
    const later = new TestServer({
      config: { ...store.config, browser_sessions: longer },
      clock: server.clock,
    })
    const response = await later.fetch(authorizeUrl(client).slice(ISSUER.length), { headers: { Cookie } })
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('<h1>Sign in</h1>'),
    ])
  })

  it('a POST is redirected to GET, so that the cookie is sent, and the address has no ID token', async () => {
    const { browser, tokens } = await signedIn()
    const body = new URLSearchParams({
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
    })
    const posted = await server.fetch('/oauth2-token/logout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://app.test' },
      body,
    })
    const location = posted.headers.get('Location') ?? ''
    expect([posted.status, location.startsWith('/oauth2-token/logout?request=')]).toEqual([303, true])
    expect(location).not.toContain(tokens.id_token)
    expect((await browser.open(ISSUER + location)).url.href).toBe(SIGNED_OUT)
  })

  it('the question and the page after it have the language of ui_locales, also after a POST', async () => {
    const { browser } = await signedIn()
    const posted = await server.fetch('/oauth2-token/logout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://app.test' },
      body: new URLSearchParams({ ui_locales: 'xx it-CH' }),
    })
    const question = await browser.open(ISSUER + (posted.headers.get('Location') ?? ''))
    const end = await browser.press(TEXTS.it.signOut.submit)
    for (const [{ html }, { title }] of [
      [question, TEXTS.it.signOut],
      [end, TEXTS.it.signedOut],
    ] as const) {
      expect(html).toContain('<html lang="it" dir="ltr">')
      expect(html).toContain(`<h1>${title}</h1>`)
    }
  })

  it('a link with a wrong hint, client or address changes nothing and gets no redirect', async () => {
    const { browser, tokens } = await signedIn()
    const other = await server.addClient(CODE_CLIENT)
    const disabled = await server.addClient({
      ...CODE_CLIENT,
      enabled: false,
      postLogoutRedirectUris: [SIGNED_OUT],
    })
    const hint = tokens.id_token ?? ''
    for (const parameters of [
      { id_token_hint: 'x' },
      { id_token_hint: tokens.access_token },
      { id_token_hint: hint, client_id: other.id },
      { client_id: 'unknown' },
      { post_logout_redirect_uri: SIGNED_OUT },
      { id_token_hint: hint, post_logout_redirect_uri: `${SIGNED_OUT}/` },
      ...LOOKALIKES.map((uri) => ({ id_token_hint: hint, post_logout_redirect_uri: uri })),
      { id_token_hint: hint, post_logout_redirect_uri: SIGNED_OUT, state: 'x'.repeat(2049) },
      { client_id: client.id, post_logout_redirect_uri: SIGNED_OUT, state: '\u0001' },
      { client_id: disabled.id, post_logout_redirect_uri: SIGNED_OUT },
      { request: 'x' },
    ]) {
      const page = await browser.open(logoutUrl(parameters as Record<string, string>))
      expect([page.status, page.url.origin]).toEqual([400, ISSUER])
      expect(page.html).toContain('This sign-out link does not work')
    }
    const json = await server.fetch('/oauth2-token/logout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/html' },
      body: '{"client_id":5}',
    })
    expect([json.status, await json.text()]).toEqual([
      400,
      expect.stringContaining('This sign-out link does not work'),
    ])
    const program = await server.fetch(logoutUrl({ id_token_hint: 'x' }).slice(ISSUER.length))
    expect([program.status, await program.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'A parameter of the logout request is wrong.' },
    ])
    expect(await isSignedIn(browser)).toBe(true)
    const forged = await server.fetch('/oauth2-token/logout/confirm', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: ISSUER },
      body: 'ticket=x',
    })
    expect(forged.status).toBe(400)
  })

  it('the server accepts a sealed logout request for 30 minutes, and checks its client again', async () => {
    const leaving = await server.addClient({ ...CODE_CLIENT, postLogoutRedirectUris: [SIGNED_OUT] })
    const { browser } = await signedIn()
    const request = { client_id: leaving.id, post_logout_redirect_uri: SIGNED_OUT }
    const posted = await server.fetch('/oauth2-token/logout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://app.test' },
      body: new URLSearchParams(request),
    })
    const sealed = ISSUER + posted.headers.get('Location')
    const question = await browser.open(sealed)
    expect(question.html).toContain('Sign out?')
    server.clock.time += 1800
    expect((await browser.press('Sign out')).status).toBe(400)
    expect((await browser.open(sealed)).status).toBe(400)
    await browser.open(logoutUrl(request))
    await env.DB.prepare('UPDATE clients SET enabled = 0 WHERE client_id = ?').bind(leaving.id).run()
    server.clock.time += 60
    expect((await browser.press('Stay signed in')).status).toBe(400)
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('a sign-out form from before the sign-in of another user asks again, and then signs that user out', async () => {
    const { browser } = await signedIn()
    const form = await browser.open(logoutUrl({ client_id: client.id, post_logout_redirect_uri: SIGNED_OUT }))
    const { username: other } = await server.addUser()
    await authorize(server, client, { username: other, browser, changes: { prompt: 'login' } })
    browser.show(form)
    const question = await browser.press('Sign out')
    expect([question.url.origin, question.status]).toEqual([ISSUER, 409])
    expect(question.html).toContain(`role="alert">${en.problems.otherSession}<`)
    expect(question.html).toContain(`<p>${en.account.signedInAs(other)}</p>`)
    expect(await isSignedIn(browser)).toBe(true)
    browser.show(question)
    expect((await browser.press('Sign out')).url.href).toBe(SIGNED_OUT)
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('a sign-out form of another browser, or without its cookie, asks the signed-in user again (CSRF)', async () => {
    const attacker = (await signedIn()).browser
    const form = await attacker.open(LOGOUT)
    const { browser } = await signedIn()
    browser.show(form)
    const question = await browser.press('Sign out')
    expect(question.status).toBe(400)
    expect(question.html).toContain(`role="alert">${en.problems.otherBrowser}<`)
    expect(question.html).toContain(`<p>${en.account.signedInAs(username)}</p>`)
    expect(await isSignedIn(browser)).toBe(true)
    browser.removeCookies()
    browser.show(question)
    expect((await browser.press('Sign out')).html).toContain('You are signed out')
  })

  it('a sign-out form from before another sign-in of the same user signs the user out', async () => {
    const { browser } = await signedIn()
    const form = await browser.open(LOGOUT)
    server.clock.time += 1
    await authorize(server, client, { username, browser, changes: { prompt: 'login' } })
    browser.show(form)
    expect((await browser.press('Sign out')).html).toContain('You are signed out')
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('a repeated sign-out form has one audit event', async () => {
    const user = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username: user.username, browser })
    const page = await browser.open(LOGOUT)
    const names = [SESSION_COOKIE, '__Host-sallyport-form']
    const Cookie = names.map((name) => `${name}=${browser.cookie(name)}`).join('; ')
    const ticket = /name="ticket" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
    for (let i = 0; i < 3; i++) {
      const response = await server.fetch('/oauth2-token/logout/confirm', {
        method: 'POST',
        headers: { Cookie, Origin: ISSUER, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ticket }),
      })
      expect(response.status).toBe(200)
    }
    const events = await auditOf({ reason: 'signed out in the browser' })
    expect(events.filter(({ subject }) => subject === user.id)).toHaveLength(1)
  })

  it('the cron trigger ends the sessions that a logout or a lock left', async () => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const reasons: unknown[] = []
    for (const isLock of [false, true]) {
      const user = await server.addUser()
      const browser = browserOf(server)
      const { auth } = await readCode(
        server,
        (await authorize(server, client, { username: user.username, browser })).get('code'),
      )
      await browser.open(authorizeUrl(partner, { scope: 'cart' }))
      const allowed = await browser.press('Allow')
      await server.requireTokens(exchangeOf(partner, allowed.url.searchParams.get('code')))
      const count = isLock ? 21 : 201
      const open = async () => {
        const code = await newCode(server, client, user.id, { auth })
        await server.requireTokens(exchangeOf(client, code))
      }
      await Promise.all(Array.from({ length: count }, open))
      if (isLock) await lock(user.username)
      else {
        await browser.open(LOGOUT)
        await browser.press('Sign out')
      }
      const live = () => liveSessionsOf(user.id)
      const before = await live()
      await server.cron()
      reasons.push([before, await live()])
    }
    expect(reasons).toEqual([
      [2, 1],
      [2, 0],
    ])
    server.clock.time += 121
    await server.cron()
    const unfinished = 'SELECT count(*) AS n FROM ended_browser_sessions WHERE finished_at IS NULL'
    expect(await env.DB.prepare(unfinished).first()).toEqual({ n: 0 })
  }, 60_000)

  async function lock(name: string): Promise<void> {
    server.clock.time += 5
    for (let i = 0; i < 12; i++) {
      const other = browserOf(server)
      await other.open(authorizeUrl(client))
      await signInAt(other, name, 'wrong')
    }
    await server.settle()
  }

  async function liveSessionsOf(subject: string): Promise<number> {
    return (await readSessions(subject)).filter(({ ended_at: endedAt }) => endedAt === null).length
  }

  it('a logout ends the earlier browser sessions of the user in the browser, and the server keeps at most five', async () => {
    const user = await server.addUser()
    const browser = browserOf(server)
    const jar: string[] = []
    const tokens: Awaited<ReturnType<typeof server.requireTokens>>[] = []
    const signInAgain = async (name: string) => {
      await browser.open(authorizeUrl(client, { prompt: 'login', scope: 'openid cart' }))
      const page = await signInAt(browser, name)
      tokens.push(await server.requireTokens(exchangeOf(client, page.url.searchParams.get('code'))))
      jar.push(browser.cookie(SESSION_COOKIE) ?? '')
      server.clock.time += 1
    }
    const arrive = async (cookie: string | undefined) => {
      const response = await server.fetch(authorizeUrl(client).slice(ISSUER.length), {
        headers: { Cookie: `${SESSION_COOKIE}=${cookie}` },
      })
      return response.headers.get('Location')?.startsWith(CALLBACK) ?? false
    }
    for (let i = 0; i < 7; i++) await signInAgain(user.username)
    // The seventh sign-in ended the first browser session, and with it each cookie that has its id.
    expect(await Promise.all(jar.map(arrive))).toEqual([false, false, false, false, false, false, true])
    await expect(server.refresh(client, tokens[0]?.refresh_token)).rejects.toThrow('invalid_grant')
    await browser.open(logoutUrl({ id_token_hint: tokens[1]?.id_token ?? '' }))
    expect(browser.page.html).toContain('You are signed out')
    expect(await Promise.all(jar.map(arrive))).toEqual(jar.map(() => false))
    for (const { refresh_token } of tokens)
      await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a sign-in of another user ends the browser session and its sessions', async () => {
    const { browser, tokens } = await signedIn()
    const before = browser.cookie(SESSION_COOKIE)
    const { username: other } = await server.addUser()
    await browser.open(authorizeUrl(client, { prompt: 'login' }))
    await signInAt(browser, other)
    expect(browser.page.url.origin).not.toBe(ISSUER)
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    const response = await server.fetch(authorizeUrl(client).slice(ISSUER.length), {
      headers: { Cookie: `${SESSION_COOKIE}=${before}` },
    })
    expect(response.headers.get('Location')).toBeNull()
  })
})
