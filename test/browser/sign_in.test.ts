import { beforeAll, describe, expect, it } from 'vitest'
import { moveUserEvents } from '../../src/users/move_user_events.ts'
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
import { CUSTOMER_PLACES } from '../support/customer_places.ts'
import { FaultyStores } from '../support/faults.ts'
import { NEW_PASSWORD } from '../support/operation_examples.ts'
import { TestOperator } from '../support/operator.ts'
import type { PageBrowser } from '../support/page_browser.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { IN_USER_DATABASES, readSessions, SESSION_STORES } from '../support/session_stores.ts'
import { changePassword, disableUser, signOutUser } from '../support/sign_out.ts'

const SESSION_COOKIE = '__Host-sallyport-customers'

describe.each(CUSTOMER_PLACES)('the sign-in page, with customers in $name', ({ config }) => {
  const server = new TestServer({
    config: { ...config, browser_sessions: { customers: { idle: 86_400, lifetime: 2_592_000 } } },
  })
  let client: TestClient
  let username: string
  let userId: string

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    const user = await server.addUser()
    username = user.username
    userId = user.id
  })

  const openSignIn = async (changes = {}): Promise<PageBrowser> => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, changes))
    return browser
  }
  const exchange = (browser: PageBrowser) =>
    server.requireTokens(exchangeOf(client, browser.page.url.searchParams.get('code')))

  it('the sign-in page has one response to a wrong password, an unknown name and a disabled user', async () => {
    const disabled = await server.addUser({ enabled: false })
    const pages: string[] = []
    for (const [name, password] of [
      [username, 'wrong'],
      ['unknown@example.com', PASSWORD],
      [disabled.username, PASSWORD],
      ['\0', PASSWORD],
    ] as const) {
      const page = await signInAt(await openSignIn(), name, password)
      expect([page.status, page.headers.get('Cache-Control')]).toEqual([400, 'no-store, no-transform'])
      expect(page.html).toContain('Wrong username or password.')
      pages.push(page.html.replace(/value="[^"]*"/g, ''))
    }
    expect(new Set(pages).size).toBe(1)
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: userId })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'wrong password', client_id: client.id })
  })

  it('a wrong password keeps the request and the name, so that the next try succeeds', async () => {
    const browser = await openSignIn({ scope: 'cart', state: 'kept' })
    const refused = await signInAt(browser, username, 'wrong')
    expect(refused.html).toContain(`value="${username}"`)
    const end = await browser.press('Sign in', { Password: PASSWORD })
    expect(end.url.searchParams.get('state')).toBe('kept')
    await exchange(browser)
  })

  it('the fields have the names by which password managers and browsers fill them (WHATWG HTML, autofill)', async () => {
    const user = await server.addUser({ mustChangePassword: true })
    const browser = await openSignIn()
    const pages = [browser.page, await signInAt(browser, user.username)]
    const fields = pages.map(({ html }) =>
      [...html.matchAll(/<input(?=[^>]* autocomplete="([^"]+)")[^>]* name="([^"]+)"/g)].map(
        ([, use, name]) => `${name}: ${use}`,
      ),
    )
    expect(fields).toEqual([
      ['username: username', 'password: current-password'],
      [
        'username: username',
        'current_password: current-password',
        'password: new-password',
        'repeated: new-password',
      ],
    ])
    for (const { html } of pages) expect(html).not.toMatch(/onpaste|autocomplete="off"/)
  })

  it('the button Cancel sends access_denied to the client', async () => {
    const browser = await openSignIn()
    const { url } = await browser.press('Cancel')
    expect(url.origin + url.pathname).toBe(CALLBACK)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The user did not allow the access.',
      state: 'st',
      iss: ISSUER,
    })
  })

  it('each sign-in has a browser session with a new id (session fixation)', async () => {
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const first = browser.cookie(SESSION_COOKIE)
    const before = await readCode(server, browser.page.url.searchParams.get('code'))
    await authorize(server, client, { username, browser, changes: { prompt: 'login' } })
    const after = await readCode(server, browser.page.url.searchParams.get('code'))
    expect(browser.cookie(SESSION_COOKIE)).not.toBe(first)
    expect(after.auth?.browser).not.toBe(before.auth?.browser)
  })

  it('the cookie of a browser session lives for the idle time of its pool', async () => {
    const cookies: string[] = []
    const browser = browserOf(server)
    const page = await browser.open(authorizeUrl(client))
    const [, action = ''] = /action="([^"]+)"/.exec(page.html) ?? []
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(page.html) ?? []
    const response = await server.fetch(action, {
      method: 'POST',
      headers: {
        Origin: ISSUER,
        Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ticket, username, password: PASSWORD }).toString(),
    })
    cookies.push(...response.headers.getSetCookie().map((line) => line.replace(/=[^;]+/, '')))
    expect([response.status, cookies]).toEqual([
      303,
      [`${SESSION_COOKIE}; Max-Age=86400; Path=/; HttpOnly; Secure; SameSite=Lax`],
    ])
  })

  it.each([
    ['the idle time', 600, 1],
    ['the lifetime', 400, 3],
  ])('a browser session ends with %s of its pool', async (_what, seconds, requests) => {
    const limits = { idle: 600, lifetime: 1000 }
    const short = new TestServer({
      config: { ...config, browser_sessions: { customers: limits } },
      clock: server.clock,
    })
    const browser = browserOf(short)
    await authorize(short, client, { username, browser })
    const origins: string[] = []
    for (let i = 0; i < requests; i++) {
      server.clock.time += seconds
      origins.push((await browser.open(authorizeUrl(client))).url.origin)
    }
    const live = Array.from({ length: requests - 1 }, () => new URL(CALLBACK).origin)
    expect(origins).toEqual([...live, ISSUER])
  })

  it.each([
    ['sign-out everywhere', signOutUser],
    ['a new password', (to: TestServer, id: string) => changePassword(to, id, 'x')],
    ['a disabled account', disableUser],
  ])('%s ends the browser session at the next request', async (_what, end) => {
    const user = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username: user.username, browser })
    await end(server, user.id)
    const page = await browser.open(authorizeUrl(client))
    expect([page.url.origin, page.html]).toEqual([ISSUER, expect.stringContaining('<h1>Sign in</h1>')])
  })

  it('a sign-in on the page writes one audit event before any exchange, and is the last sign-in of the user', async () => {
    const user = await server.addUser()
    const operator = await TestOperator.signIn(server)
    const browser = await openSignIn()
    await signInAt(browser, user.username)
    await server.settle()
    expect(await auditOf({ subject: user.id })).toMatchObject([
      {
        kind: 'browser_sign_in',
        outcome: 'ok',
        reason: 'password',
        client_id: client.id,
        sid: null,
        actor: null,
      },
    ])
    const support = await operator.get(`/users/${user.id}/support`)
    expect(support.body).toMatchObject({ last_sign_in_at: server.clock.time, live_sessions: 0 })
    // A later request of the same browser session is no sign-in.
    await browser.open(authorizeUrl(client))
    await exchange(browser)
    await server.settle()
    expect((await auditOf({ subject: user.id })).map(({ kind }) => kind)).toEqual([
      'browser_sign_in',
      'issue',
    ])
  })

  it('a page waits in place of a challenge, and then accepts the password', async () => {
    const challenging = new TestServer({
      config: { ...config, challenge: { verify_url: 'https://challenge.test/siteverify' } },
      env: { CHALLENGE_SECRET: crypto.randomUUID() },
      clock: server.clock,
    })
    const user = await server.addUser()
    const browser = browserOf(challenging)
    await browser.open(authorizeUrl(client))
    await signInAt(browser, user.username, 'wrong')
    const page = await signInAt(browser, user.username)
    expect([page.status, page.headers.get('Retry-After')]).toEqual([429, '10'])
    expect(page.html).toContain('There were too many attempts. Try again in 10 seconds.')
    server.clock.time += 10
    const end = await signInAt(browser, user.username)
    expect(end.url.origin).toBe(new URL(CALLBACK).origin)
  })

  it('a guest continues without an account, and is a new guest in each session', async () => {
    const browser = await openSignIn({ scope: 'cart orders' })
    const { url } = await browser.press('Continue as guest')
    const code = await readCode(server, url.searchParams.get('code'))
    expect(code).toMatchObject({ sub: expect.stringMatching(/^visitor:/), scope: ['cart'], auth: null })
    const { access_token } = await exchange(browser)
    const again = await openSignIn({ scope: 'cart', visitor_access_token: access_token })
    const next = await again.press('Continue as guest')
    const second = await readCode(server, next.url.searchParams.get('code'))
    expect(second).toMatchObject({ sub: expect.not.stringMatching(code.sub), visitor: null })
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    expect((await browser.open(authorizeUrl(partner))).html).not.toContain('Continue as guest')
  })

  it('a user who must change the password sets a new one on a page and then gets the code', async () => {
    const user = await server.addUser({ mustChangePassword: true })
    const browser = await openSignIn()
    const page = await signInAt(browser, user.username)
    expect(page.html).toContain('<h1>Choose a new password</h1>')
    const type = (current: string, next: string, repeated = next) =>
      browser.press('Set password', {
        'Current password': current,
        'New password': next,
        'New password again': repeated,
      })
    expect((await type(PASSWORD, NEW_PASSWORD, 'other')).html).toContain('The two new passwords differ.')
    expect((await type('wrong', NEW_PASSWORD)).html).toContain('The current password is wrong.')
    expect((await type(PASSWORD, 'password')).html).toContain('easy to guess')
    expect((await type(PASSWORD, PASSWORD)).html).toContain(
      'Choose a password that differs from the current one.',
    )
    const end = await type(PASSWORD, NEW_PASSWORD)
    expect(end.url.origin).toBe(new URL(CALLBACK).origin)
    await exchange(browser)
    await authorize(server, client, { username: user.username, browser })
    expect((await signInAt(await openSignIn(), user.username)).status).toBe(400)
    await moveUserEvents(server.services)
    expect(await auditOf({ kind: 'cut_off', subject: user.id })).toMatchObject([
      { reason: 'the password was changed', client_id: client.id },
    ])
  })

  it('a sign-in whose next page cannot be made leaves no browser session, because the server has not recorded the sign-in', async () => {
    const faulty = new FaultyStores()
    const broken = new TestServer({ config, env: faulty.env, clock: server.clock })
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const browser = browserOf(broken)
    await browser.open(authorizeUrl(partner))
    faulty.d1.judge = (call) => (call.includes('consented_scopes') ? 'before it is made' : null)
    const page = await signInAt(browser, (await server.addUser()).username)
    expect([page.status, browser.cookie('__Host-sallyport-customers')]).toEqual([503, undefined])
  })
})

describe.each([...SESSION_STORES, IN_USER_DATABASES])(
  'a sign-in on the page, with sessions in $name',
  ({ config }) => {
    it('guesses that lock the account within a minute end the session and the browser session', async () => {
      const server = new TestServer({ config })
      const client = await server.addClient(CODE_CLIENT)
      const user = await server.addUser()
      const browser = browserOf(server)
      await authorize(server, client, { username: user.username, browser })
      const tokens = await server.requireTokens(exchangeOf(client, browser.page.url.searchParams.get('code')))
      await browser.open(authorizeUrl(client))
      const second = await server.requireTokens(exchangeOf(client, browser.page.url.searchParams.get('code')))
      for (let i = 0; i < 10; i++) {
        const attacker = browserOf(server)
        await attacker.open(authorizeUrl(client))
        await signInAt(attacker, user.username, `guess ${i}`)
      }
      for (const { refresh_token } of [tokens, second]) {
        const body = { grant_type: 'refresh_token', client_id: client.id, refresh_token }
        expect((await server.postJson(body)).status).toBe(400)
      }
      const page = await browser.open(authorizeUrl(client))
      expect(page.html).toContain('<h1>Sign in</h1>')
      const ends = (await readSessions(user.id)).map(({ end_reason: reason }) => reason)
      const reason = 'its account was locked within a minute of the sign-in'
      expect(ends).toEqual([reason, reason])
    })
  },
)
