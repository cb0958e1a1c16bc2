import { beforeAll, describe, expect, it } from 'vitest'
import { LOGOUT } from '../../src/sessions/session.ts'
import { authorize, authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { CUSTOMER_PLACES } from '../support/customer_places.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { emptyStores, ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { databaseOf } from '../support/user_databases.ts'

const CALLBACK_ORIGIN = new URL(CALLBACK).origin

describe.each(CUSTOMER_PLACES)('the forms of the pages, with customers in $name', ({ config }) => {
  const server = new TestServer({ config })
  let client: TestClient
  let partner: TestClient
  let ann: string
  let bob: string

  beforeAll(async () => {
    await emptyStores()
    client = await server.addClient(CODE_CLIENT)
    partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner' })
    ann = (await server.addUser({ username: 'ann@example.com' })).username
    bob = (await server.addUser({ username: 'bob@example.com' })).username
  })

  /** A browser in which a user is signed in; without one for null. */
  const browserWith = async (username: string | null): Promise<PageBrowser> => {
    const browser = browserOf(server)
    if (username !== null) await authorize(server, client, { username, browser })
    return browser
  }

  /** Expects that the page grants nothing, names the problem and the account, and lets the user continue to the client. */
  async function expectWayOn(
    browser: PageBrowser,
    page: ShownPage,
    { status, text, account }: { status: number; text: string; account: string | null },
  ): Promise<void> {
    expect([page.url.origin, page.status]).toEqual([ISSUER, status])
    expect(page.html).toContain(text)
    expect(page.html).toContain(
      account === null ? '<h1>Sign in</h1>' : `<h1>You are signed in as ${account}</h1>`,
    )
    const end =
      account === null ? await signInAt(browser, ann) : await browser.press(`Continue as ${account}`)
    const isDone = end.url.origin === CALLBACK_ORIGIN
    const last = isDone ? end : await browser.press('Allow')
    expect([last.url.origin, last.url.searchParams.has('code')]).toEqual([CALLBACK_ORIGIN, true])
  }

  it('a sign-in form that is posted twice shows the signed-in user', async () => {
    const browser = await browserWith(null)
    const form = await browser.open(authorizeUrl(client))
    await signInAt(browser, ann)
    browser.show(form)
    const again = await signInAt(browser, ann)
    await expectWayOn(browser, again, { status: 409, text: 'since this page was opened', account: ann })
  })

  it('the URL of the page after a form shows it again only in its browser, without a password, and for 30 minutes', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    await browser.open(authorizeUrl(await server.addClient({ ...CODE_CLIENT, isFirstParty: false })))
    const refused = await signInAt(browser, username, 'a wrong password')
    expect([refused.status, refused.url.pathname]).toEqual([400, '/oauth2-token/sign-in'])
    expect(refused.url.href).not.toContain(encodeURIComponent(username))
    const other = await browserOf(server).open(refused.url.href)
    expect(other.html).toContain('Your browser sent no cookie.')
    const consent = await signInAt(browser, username)
    expect([consent.status, consent.url.pathname]).toEqual([200, '/oauth2-token/consent'])
    expect((await browser.open(consent.url.href)).html).toContain('>Allow<')
    const changed = await browser.open(refused.url.href)
    expect([changed.status, changed.html]).toEqual([
      409,
      expect.stringContaining('Your sign-in has changed since this page was opened.'),
    ])
    server.clock.time += 1800
    expect((await browser.open(consent.url.href)).html).toContain('The page was open for too long.')
    for (const path of ['/oauth2-token/consent', '/oauth2-token/sign-in?page_state=x'])
      expect((await browser.open(ISSUER + path)).status).toBe(400)
  })

  it('an expired sign-in form shows the page again and keeps the request', async () => {
    const browser = await browserWith(null)
    await browser.open(authorizeUrl(client))
    server.clock.time += 1800
    const page = await signInAt(browser, ann)
    await expectWayOn(browser, page, { status: 400, text: 'open for too long', account: null })
  })

  it('an expired form needs a sign-in after its expiry for prompt=login and max_age', async () => {
    const browser = await browserWith(ann)
    server.clock.time += 100
    const form = await browser.open(authorizeUrl(client, { prompt: 'login', max_age: '60' }))
    server.clock.time += 5
    await authorize(server, client, { username: ann, browser, changes: { prompt: 'login' } })
    server.clock.time += 1800
    browser.show(form)
    const page = await signInAt(browser, ann)
    expect([page.url.origin, page.status]).toEqual([ISSUER, 400])
    expect(page.html).toContain('<h1>Sign in</h1>')
    const end = await signInAt(browser, ann)
    expect(end.url.origin).toBe(CALLBACK_ORIGIN)
  })

  it('a consent form after a sign-out grants nothing (back button)', async () => {
    const browser = await browserWith(ann)
    const form = await browser.open(authorizeUrl(partner))
    const { browserSessions, cookies } = { ...server.services, cookies: browser }
    expect(cookies.cookie('__Host-sallyport-customers')).toBeDefined()
    const { id: subject } = await server.addUser()
    const signedIn = await browserSessionOf(browser)
    const ends = { ids: [signedIn], subject, keepUntil: server.clock.time + 60, reason: LOGOUT } as const
    await browserSessions.end(ends, server.clock.time)
    browser.show(form)
    const page = await browser.press('Allow')
    await expectWayOn(browser, page, { status: 409, text: 'since this page was opened', account: null })
  })

  it('a form of a tab from before the sign-in of another user grants nothing', async () => {
    const browser = await browserWith(ann)
    const form = await browser.open(authorizeUrl(partner))
    await authorize(server, client, { username: bob, browser, changes: { prompt: 'login' } })
    browser.show(form)
    const page = await browser.press('Allow')
    await expectWayOn(browser, page, { status: 409, text: 'since this page was opened', account: bob })
  })

  it('the page asks the user to allow cookies if the browser sends none, and the user can then sign in', async () => {
    const browser = await browserWith(null)
    await browser.open(authorizeUrl(client))
    browser.removeCookies()
    const page = await signInAt(browser, ann)
    await expectWayOn(browser, page, { status: 400, text: 'Your browser sent no cookie.', account: null })
  })

  it('a form of another browser grants nothing to a signed-in user (CSRF)', async () => {
    const attacker = await browserWith(bob)
    const form = await attacker.open(authorizeUrl(partner))
    const victim = await browserWith(ann)
    victim.show(form)
    const page = await victim.press('Allow')
    await expectWayOn(victim, page, { status: 400, text: 'made for another browser', account: ann })
  })

  it('the credentials of an attacker do not sign in at the browser of another user (login CSRF)', async () => {
    const attacker = await browserWith(null)
    const form = await attacker.open(authorizeUrl(client))
    const victim = await browserWith(ann)
    const before = victim.cookie('__Host-sallyport-customers')
    victim.show(form)
    await signInAt(victim, bob)
    expect(victim.cookie('__Host-sallyport-customers')).toBe(before)
  })

  it('a form without a ticket, or with the ticket of another page, shows an error page', async () => {
    const browser = await browserWith(null)
    const form = await browser.open(authorizeUrl(client))
    for (const html of [
      form.html.replace(/name="ticket" value="[^"]+"/, 'name="ticket" value="x"'),
      form.html.replace('/oauth2-token/sign-in', '/oauth2-token/consent'),
    ]) {
      browser.show({ ...form, html })
      const page = await browser.press('Sign in')
      expect([page.status, page.html]).toEqual([400, expect.stringContaining('This form no longer works')])
    }
  })

  it('a form whose client lost the redirect URI shows an error page', async () => {
    const changed = await server.addClient(CODE_CLIENT)
    const browser = await browserWith(null)
    await browser.open(authorizeUrl(changed))
    const edit = { redirectUris: ['https://app.test/other'] }
    await server.services.clientAdmin.change(changed.id, edit, { versions: null, now: server.clock.time }, [])
    await server.services.clients.renewCopy(changed.id, server.context())
    server.services.clients.forget(changed.id)
    const page = await signInAt(browser, ann)
    expect([page.url.origin, page.status]).toEqual([ISSUER, 400])
  })

  it('a user chooses another account on the page that prompt=select_account shows', async () => {
    const browser = await browserWith(ann)
    const page = await browser.open(authorizeUrl(client, { prompt: 'select_account' }))
    expect(page.html).toContain(`<h1>You are signed in as ${ann}</h1>`)
    await browser.press('Use another account')
    const end = await signInAt(browser, bob)
    expect(end.url.origin).toBe(CALLBACK_ORIGIN)
    const hinted = await browser.open(authorizeUrl(client, { login_hint: ann }))
    expect(hinted.html).toContain(`<h1>You are signed in as ${bob}</h1>`)
    const silent = await browser.open(authorizeUrl(client, { login_hint: ann, prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('login_required')
    const own = await browser.open(authorizeUrl(client, { login_hint: 'BOB@example.com', prompt: 'none' }))
    expect(own.url.searchParams.has('code')).toBe(true)
  })

  it('a login_hint names the account also by the verified email address, and not by another address', async () => {
    const { id, username } = await server.addUser()
    const setEmail = (email: string, isVerified: boolean) =>
      databaseOf(id)
        .prepare('UPDATE users SET profile = ? WHERE id = ?')
        .bind(JSON.stringify({ email, email_verified: isVerified }), id)
        .run()
    const browser = await browserWith(username)
    const answers: (string | null)[] = []
    for (const [email, isVerified, hint] of [
      ['zoe@shop.test', true, ' ZOE@shop.test'],
      ['zoe@shop.test', true, 'bob@example.com'],
      ['zoe@shop.test', false, 'zoe@shop.test'],
    ] as const) {
      await setEmail(email, isVerified)
      const { url } = await browser.open(authorizeUrl(client, { login_hint: hint, prompt: 'none' }))
      answers.push(url.searchParams.get('error'))
    }
    expect(answers).toEqual([null, 'login_required', 'login_required'])
    const asked = await browser.open(authorizeUrl(client, { login_hint: 'zoe@shop.test' }))
    expect(asked.html).toContain(`<h1>You are signed in as ${username}</h1>`)
  })

  it('a client with a loopback address always shows a page, and prompt=none gets interaction_required', async () => {
    const redirectUri = 'http://127.0.0.1/callback'
    const app = await server.addClient({ ...CODE_CLIENT, redirectUris: [redirectUri] })
    const request = { redirect_uri: 'http://127.0.0.1:53123/callback' }
    const browser = await browserWith(ann)
    const page = await browser.open(authorizeUrl(app, request))
    expect(page.html).toContain('You then return to:<strong class="host">127.0.0.1:53123</strong>')
    const end = await browser.press('Allow')
    expect(end.url.href).toMatch(`${request.redirect_uri}?code=`)
    const silent = await browser.open(authorizeUrl(app, { ...request, prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('interaction_required')
  })

  /** The id of the browser session, from the code of a first-party client. */
  async function browserSessionOf(browser: PageBrowser): Promise<string> {
    const { url } = await browser.open(authorizeUrl(client))
    const code = await server.services.codes.open(url.searchParams.get('code') ?? '')
    return code?.auth?.browser ?? ''
  }
})
