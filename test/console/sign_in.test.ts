import { afterAll, describe, expect, it } from 'vitest'
import { addConsoleClient, ConsoleBrowser, inputOf } from '../support/console.ts'
import { FaultyStores } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, ISSUER, PASSWORD, TestServer } from '../support/server.ts'
import { signOutUser } from '../support/sign_out.ts'

const SIGN_IN = '/console/sign-in?next=%2Fconsole'

// The clocks of this file run ahead, and so do its events.
afterAll(emptyStores)

async function newOperator(server: TestServer, roles = ['admin']) {
  await addConsoleClient(server)
  return server.addUser({ pool: 'operators', roles })
}

describe('signing in', () => {
  it('a browser without a session is redirected to the sign-in, with the requested page', async () => {
    const browser = new ConsoleBrowser(new TestServer())
    const answer = await browser.get('/console/audit?kind=key')
    expect(answer).toMatchObject({
      status: 303,
      location: '/console/sign-in?next=%2Fconsole%2Faudit%3Fkind%3Dkey',
    })
    const page = await browser.get(answer.location ?? '')
    expect(page.status).toBe(200)
    expect(page.html).toContain('<input type="hidden" name="next" value="/console/audit?kind=key"/>')
  })

  it('the cookie is sealed and has HttpOnly, SameSite=Strict and the prefix __Host-', async () => {
    const server = new TestServer()
    const { username } = await newOperator(server)
    const browser = new ConsoleBrowser(server)
    const answer = await browser.postSignIn(username, PASSWORD, '/console/audit?kind=key')
    expect(answer).toMatchObject({ status: 303, location: '/console/audit?kind=key' })
    expect(browser.setCookie).toMatch(
      /^__Host-sallyport-console=eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    const [header = ''] = (browser.cookie ?? '').split('.')
    expect(JSON.parse(atob(header))).toEqual({ alg: 'dir', enc: 'A256GCM' })
    expect((await browser.get('/console')).status).toBe(200)
  })

  it('on a loopback address the cookie has no Secure, and its path is the console', async () => {
    const server = new TestServer({ config: { issuer: 'http://127.0.0.1:8787' } })
    const { username } = await newOperator(server)
    const body = new URLSearchParams({ username, password: PASSWORD })
    const response = await server.fetch('/console/sign-in', {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'http://127.0.0.1:8787' },
    })
    expect(response.status).toBe(303)
    expect(response.headers.get('Set-Cookie')).toMatch(
      /^sallyport-console=[\w.-]+; Path=\/console; HttpOnly; SameSite=Strict$/,
    )
  })

  it.each([
    'https://evil.test/console',
    '//evil.test',
    '/console@evil.test',
    '/console/\\evil.test',
    '/console/../oauth2-token',
    '/oauth2-token',
    '/console/sign-out',
    'javascript:alert(1)',
  ])('the sign-in redirects to the dashboard, never to %s', async (next) => {
    const server = new TestServer()
    const { username } = await newOperator(server)
    const answer = await new ConsoleBrowser(server).postSignIn(username, PASSWORD, next)
    expect(answer).toMatchObject({ status: 303, location: '/console' })
  })

  it('a wrong password, an unknown name, a user of another pool and an operator without a role get the same page', async () => {
    const server = new TestServer()
    const operator = await newOperator(server)
    const customer = await server.addUser()
    const withoutRole = await newOperator(server, [])
    const attempts = [
      [operator.username, 'wrong'],
      ['nobody', PASSWORD],
      [customer.username, PASSWORD],
      [withoutRole.username, PASSWORD],
    ] as const
    const pages = await Promise.all(
      attempts.map(async ([username, password]) => {
        const browser = new ConsoleBrowser(server)
        const { status, html } = await browser.postSignIn(username, password)
        expect(browser.setCookie).toBeNull()
        expect(html).toContain(`value="${username}"`)
        return { status, html: html.replace(username, '') }
      }),
    )
    expect(pages[0]).toMatchObject({
      status: 401,
      html: expect.stringContaining('Wrong username or password'),
    })
    expect(new Set(pages.map(({ status, html }) => `${status} ${html}`)).size).toBe(1)
    expect(pages[0]?.html).not.toContain('wrong')
  })

  it('the sign-in says what to do if the client of the console is missing or belongs to another API', async () => {
    await emptyStores()
    const missing = await new ConsoleBrowser(new TestServer()).postSignIn('anybody')
    expect(missing).toMatchObject({ status: 503, html: expect.stringContaining('npm run first-admin') })
    const server = new TestServer({ config: { admin_api: 'backoffice' } })
    const { username } = await newOperator(server)
    const foreign = await new ConsoleBrowser(server).postSignIn(username)
    expect(foreign).toMatchObject({ status: 503, html: expect.stringContaining('npm run first-admin') })
  })

  it('a changed cookie, or one sealed under another secret, leads to the sign-in', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const cookie = browser.cookie ?? ''
    browser.cookie = `${cookie.slice(0, -8)}${cookie.at(-8) === 'A' ? 'B' : 'A'}${cookie.slice(-7)}`
    expect(await browser.get('/console')).toMatchObject({ status: 303, location: SIGN_IN })
    const env = { SEALING_KEY: 'A'.repeat(43) }
    const elsewhere = new ConsoleBrowser(new TestServer({ env }))
    elsewhere.cookie = cookie
    expect(await elsewhere.get('/console')).toMatchObject({ status: 303, location: SIGN_IN })
  })
})

describe('a session', () => {
  it('the console refreshes the session before the end of its access token, also in two tabs', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const first = browser.cookie
    server.clock.time += 3550
    const otherTab = new ConsoleBrowser(server)
    otherTab.cookie = first
    const answers = await Promise.all([browser.get('/console/clients'), otherTab.get('/console/users')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(browser.cookie).not.toBe(first)
    server.clock.time += 3550
    expect((await browser.get('/console')).status).toBe(200)
    otherTab.cookie = browser.cookie
    expect((await otherTab.get('/console')).status).toBe(200)
  })

  it('a refresh keeps the form token, so that an open page can still be sent', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    server.clock.time += 3550
    const { status } = await browser.post('/console/clients/~new', { api: 'storefront', client_id: '' })
    expect(status).toBe(422)
  })

  it('a session that another operator ended leads to the sign-in with a message', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const admin = await ConsoleBrowser.signIn(server)
    const done = await admin.post(`/console/users/${browser.user.id}/sign-out`)
    expect(done).toMatchObject({
      location: `/console/users/${encodeURIComponent(browser.user.id)}`,
      done: 'user-signed-out',
    })
    server.clock.time += 5
    const get = await browser.get('/console')
    expect(get).toMatchObject({ status: 303, location: '/console/sign-in?reason=ended&next=%2Fconsole' })
    expect(browser.cookie).toBeNull()
    expect((await browser.get(get.location ?? '')).html).toContain('Your session has ended')
  })

  it('the session survives an outage of the stores', async () => {
    const stores = new FaultyStores()
    const server = new TestServer({ env: stores.env })
    const browser = await ConsoleBrowser.signIn(server)
    const { cookie } = browser
    stores.up = false
    for (const wait of [0, 3600]) {
      server.clock.time += wait
      const answer = await browser.get('/console')
      expect(answer.status).toBe(503)
      expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
      expect(answer.html).toContain('You are still signed in')
    }
    expect(browser.cookie).toBe(cookie)
    expect((await new ConsoleBrowser(server).postSignIn(browser.user.username)).status).toBe(503)
    stores.up = true
    expect((await browser.get('/console')).status).toBe(200)
  })

  it('an operator who must change the password gets only that page', async () => {
    const server = new TestServer()
    const { id, username } = await newOperator(server)
    const admin = await ConsoleBrowser.signIn(server)
    const etag = inputOf((await admin.get(`/console/users/${id}`)).html, 'etag')
    await admin.post(`/console/users/${id}/require-password-change`, { etag })
    const browser = new ConsoleBrowser(server)
    await browser.postSignIn(username)
    expect(await browser.get('/console/clients')).toMatchObject({
      status: 303,
      location: '/console/password',
    })
    expect((await browser.get('/console/password')).html).toContain(
      'You must set a new password before you can do anything else',
    )
    const change = (fields: Record<string, string>) => browser.post('/console/password', fields)
    const before = browser.cookie
    const twice = await change({ current_password: PASSWORD, password: 'a new password', repeated: 'other' })
    expect(twice).toMatchObject({
      status: 422,
      html: expect.stringContaining('The two new passwords differ'),
    })
    const wrong = await change({
      current_password: 'x',
      password: 'a new password',
      repeated: 'a new password',
    })
    expect(wrong).toMatchObject({
      status: 403,
      html: expect.stringContaining('Your own password is wrong'),
    })
    const done = await change({
      current_password: PASSWORD,
      password: 'a new password',
      repeated: 'a new password',
    })
    expect(done).toMatchObject({ status: 303, location: '/console', done: 'own-password-set' })
    expect(browser.cookie).not.toBe(before)
    expect((await browser.get('/console')).status).toBe(200)
    const other = Object.assign(new ConsoleBrowser(server), { cookie: before })
    expect((await other.get('/console')).location).toBe('/console/sign-in?reason=ended&next=%2Fconsole')
    expect((await new ConsoleBrowser(server).postSignIn(username, 'a new password')).status).toBe(303)
  })
})

describe('an operator who loses a role', () => {
  it('the operator stays signed in with the other role, and the form keeps the typed values', async () => {
    const server = new TestServer()
    const boss = await TestOperator.signIn(server)
    const browser = await ConsoleBrowser.signIn(server, ['admin', 'support'])
    const before = browser.cookie
    const change = await boss.patch(`/users/${browser.user.id}`, { roles: ['support'] }, '"1"')
    expect(change.status).toBe(200)
    const user = await server.addUser()
    const disabled = await browser.post(`/console/users/${user.id}/disable`)
    expect(disabled).toMatchObject({ status: 303, done: 'user-disabled' })
    expect(browser.cookie).not.toBe(before)
    expect((await browser.get('/console/users/new')).status).toBe(403)
  })
})

describe('signing out', () => {
  it('the sign-out ends the session on the server, so that a copied cookie is useless', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const { cookie } = browser
    const answer = await browser.post('/console/sign-out')
    expect(answer).toMatchObject({ status: 303, location: '/console/sign-in?reason=signed-out' })
    expect(browser.setCookie).toMatch(/^__Host-sallyport-console=; Max-Age=0; Path=\/; HttpOnly; Secure/)
    browser.cookie = cookie
    expect((await browser.get('/console')).location).toBe('/console/sign-in?reason=ended&next=%2Fconsole')
  })

  it('the page says that the server could not end the session', async () => {
    const stores = new FaultyStores()
    const browser = await ConsoleBrowser.signIn(new TestServer({ env: stores.env }))
    stores.up = false
    const answer = await browser.post('/console/sign-out')
    expect(answer.location).toBe('/console/sign-in?reason=signed-out-here')
    expect(browser.cookie).toBeNull()
  })
})

it('the console is 404 if config.yml has no admin API', async () => {
  const server = new TestServer({ config: { admin_api: undefined } })
  const response = await server.fetch('/console')
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})

describe('a form that is sent after the session has ended', () => {
  const server = new TestServer()
  const fields = { client_id: 'kept-client', api: 'storefront', kind: 'public', grants: ['password'] }

  async function sendLate(more: Record<string, string> = {}) {
    const browser = await ConsoleBrowser.signIn(server)
    await signOutUser(server, browser.user.id)
    server.clock.time += 5
    const late = await browser.post('/console/clients/~new', { ...fields, ...more })
    const kept = inputOf(late.html, 'kept')
    const signIn = (username: string, password = PASSWORD) =>
      browser.send('/console/sign-in', {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: ISSUER },
        body: new URLSearchParams({ username, password, kept }).toString(),
      })
    return { browser, late, kept, signIn }
  }

  it('the same operator sees the values after the sign-in, without passwords, and sends them', async () => {
    const password = `typed-${crypto.randomUUID()}`
    const { browser, late, kept, signIn } = await sendLate({ own_password: password })
    expect(late.status).toBe(401)
    expect(late.html).toContain('Sign in again: your form is kept, without passwords.')
    expect(late.html).not.toContain(fields.client_id)
    expect(await server.services.consoleSealer.open(kept)).not.toContain(password)
    const mistyped = await signIn(browser.user.username, 'mistyped')
    expect([mistyped.status, inputOf(mistyped.html, 'kept')]).toEqual([401, kept])
    const { status, html } = await signIn(browser.user.username)
    expect([status, inputOf(html, 'client_id')]).toEqual([200, fields.client_id])
    expect(html).toContain('action="/console/clients/~new"')
    expect([...html.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)].map(([, ...row]) => row)).toEqual([
      ['Form', 'A new client'],
      ['Client id', fields.client_id],
      ['API', 'storefront'],
      ['Kind', 'public'],
      ['Grants', 'password'],
    ])
    expect(html).not.toContain(password)
    expect(await server.services.clientAdmin.find(fields.client_id)).toBeNull()
    expect((await browser.post('/console/clients/~new', fields)).status).toBe(201)
  })

  it('the operator sees which object the action of the form changes', async () => {
    const browser = await ConsoleBrowser.signIn(server)
    await signOutUser(server, browser.user.id)
    server.clock.time += 5
    const late = await browser.post('/console/clients/shop%26more/sign-out', {})
    const body = new URLSearchParams({
      username: browser.user.username,
      password: PASSWORD,
      kept: inputOf(late.html, 'kept'),
    })
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: ISSUER }
    const { html } = await browser.send('/console/sign-in', {
      method: 'POST',
      headers,
      body: body.toString(),
    })
    expect(html).toContain('<dt>Form</dt><dd>The client shop&amp;more: sign out</dd>')
  })

  it('another operator, a later sign-in and a forged form get the dashboard', async () => {
    const { signIn, browser, late } = await sendLate()
    expect(late.status).toBe(401)
    const other = await newOperator(server)
    expect(await signIn(other.username)).toMatchObject({ status: 303, location: '/console' })
    server.clock.time += 3601
    expect(await signIn(browser.user.username)).toMatchObject({ status: 303, location: '/console' })
  })

  it('a form without the token of the ended session, and a long form, are not kept', async () => {
    expect((await sendLate({ csrf_token: 'A'.repeat(32) })).late.status).toBe(403)
    const { late } = await sendLate({ name: 'x'.repeat(12_000) })
    expect(late).toMatchObject({ status: 303, location: '/console/sign-in?reason=not-done&next=%2Fconsole' })
  })
})
