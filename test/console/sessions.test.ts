import { afterAll, describe, expect, it } from 'vitest'
import { addConsoleClient, ConsoleBrowser, inputOf } from '../support/console.ts'
import { AUTHORIZE, asksForPassword, newOperator, signedIn } from '../support/console_sign_in.ts'
import { FaultyStores } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { ADMIN_AUDIENCE, emptyStores, ISSUER, PASSWORD, TestServer } from '../support/server.ts'
import { describeStores } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'

// The clocks of this file run ahead, and so do its events.
afterAll(emptyStores)

const FRESH = 'a new battery staple'

describeStores('a console session', () => {
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

  it('a request in an ended session needs the password, although the browser session is live', async () => {
    const { server, user, browser } = await signedIn()
    const admin = await ConsoleBrowser.signIn(server)
    const { html } = await admin.get(`/console/users/${user.id}`)
    const [, action = ''] = /action="(\/console\/users\/[^"]+\/sessions\/[^"]+\/end)"/.exec(html) ?? []
    expect(await admin.post(action)).toMatchObject({ status: 303, done: 'session-ended' })
    server.clock.time += 5
    expect(await asksForPassword(browser)).toBe(true)
    expect(browser.cookie).toBeNull()
  })

  it('a browser session does not sign in an operator whose idle console session would have ended', async () => {
    const apis = { admin: { audience: ADMIN_AUDIENCE, users: 'operators', refresh_token_lifetime: 600 } }
    const config = { apis, admin_api: 'admin', access_token_lifetime: 300 }
    const { server, browser } = await signedIn(new TestServer({ config }))
    browser.cookie = null
    server.clock.time += 590
    expect(await asksForPassword(browser)).toBe(false)
    browser.cookie = null
    server.clock.time += 20
    expect(await asksForPassword(browser)).toBe(true)
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
    expect((await new ConsoleBrowser(server).get('/console')).status).toBe(503)
    stores.up = true
    expect((await browser.get('/console')).status).toBe(200)
  })

  it('an operator who must change the password during a session gets only that page', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const { id, username } = browser.user
    const admin = await ConsoleBrowser.signIn(server)
    const etag = inputOf((await admin.get(`/console/users/${id}`)).html, 'etag')
    await admin.post(`/console/users/${id}/require-password-change`, { etag })
    expect(await browser.get('/console/clients')).toMatchObject({
      status: 303,
      location: '/console/password',
    })
    expect((await browser.get('/console/password')).html).toContain(
      'You must set a new password before you can do anything else',
    )
    const change = (current: string, repeated: string) =>
      browser.post('/console/password', { current_password: current, password: FRESH, repeated })
    const before = browser.cookie
    expect(await change(PASSWORD, 'other')).toMatchObject({
      status: 422,
      html: expect.stringContaining('The two new passwords differ'),
    })
    expect(await change('x', FRESH)).toMatchObject({
      status: 403,
      html: expect.stringContaining('Your own password is wrong'),
    })
    const done = await change(PASSWORD, FRESH)
    expect(done).toMatchObject({ status: 303, location: '/console', done: 'own-password-set' })
    expect(browser.cookie).not.toBe(before)
    expect((await browser.get('/console')).status).toBe(200)
    const other = Object.assign(new ConsoleBrowser(server), { cookie: before })
    expect((await other.get('/console')).location).toMatch(AUTHORIZE)
    const page = await new ConsoleBrowser(server).signInAt('/console', username, FRESH)
    expect([page.status, page.url.pathname]).toEqual([200, '/console'])
  })

  it('an operator who loses a role stays signed in with the other role, and the form keeps the typed values', async () => {
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

  it('an operator who loses every role gets a page that leads to another account', async () => {
    const server = new TestServer()
    const boss = await TestOperator.signIn(server)
    const browser = await ConsoleBrowser.signIn(server, ['support'])
    await boss.patch(`/users/${browser.user.id}`, { roles: [] }, '"1"')
    const { status, html } = await browser.get('/console')
    expect([status, browser.cookie]).toEqual([403, null])
    expect(html).toContain('href="/console/sign-in"')
  })
})

describeStores('signing out', () => {
  const SIGNED_OUT = '/console/signed-out'

  it('the sign-out ends the session and the browser session without a question, so that a copied cookie is useless', async () => {
    const { server, browser } = await signedIn()
    const { cookie } = browser
    await browser.get('/console')
    const answer = await browser.post('/console/sign-out')
    const { pathname, searchParams } = new URL(answer.location ?? '', ISSUER)
    expect([answer.status, pathname]).toEqual([303, '/oauth2-token/logout'])
    expect([...searchParams.keys()]).toEqual(['client_id', 'post_logout_redirect_uri', 'id_token_hint'])
    expect(browser.setCookie).toMatch(/^__Host-sallyport-console=; Max-Age=0; Path=\/; HttpOnly; Secure/)
    const page = await browser.pages.open(ISSUER + answer.location)
    expect([page.status, page.url.pathname]).toEqual([200, SIGNED_OUT])
    expect(page.html).toContain('You are signed out.')
    expect(await asksForPassword(browser)).toBe(true)
    const copy = Object.assign(new ConsoleBrowser(server), { cookie })
    expect((await copy.get('/console')).location).toMatch(AUTHORIZE)
  })

  it('the sign-out ends a session that began long before, without its browser session', async () => {
    const { server, browser } = await signedIn()
    server.clock.time += 7200
    await browser.pages.open(`${ISSUER}/console`)
    const { cookie } = browser
    const page = await browser.pages.press('Sign out')
    expect(page.url.pathname).toBe(SIGNED_OUT)
    browser.cookie = cookie
    expect((await browser.get('/console')).location).toMatch(AUTHORIZE)
  })

  it('the page says that the server could not end the session', async () => {
    const stores = new FaultyStores()
    const browser = await ConsoleBrowser.signIn(new TestServer({ env: stores.env }))
    stores.up = false
    const answer = await browser.post('/console/sign-out')
    expect(answer).toMatchObject({
      status: 503,
      html: expect.stringContaining('the server could not end the session'),
    })
    expect(browser.cookie).toBeNull()
  })

  it('a sign-out without a session leads to the logout page, which asks for a confirmation', async () => {
    const { browser } = await signedIn()
    await browser.pages.open(`${ISSUER}/console`)
    browser.cookie = null
    const question = await browser.pages.press('Sign out')
    expect([question.url.pathname, question.html.includes('Sign out?')]).toEqual([
      '/oauth2-token/logout',
      true,
    ])
    expect((await browser.pages.press('Sign out')).url.pathname).toBe(SIGNED_OUT)
  })
})

it('without OpenID the console signs operators in by an authorization code, and each sign-in needs the password', async () => {
  const { browser } = await signedIn(new TestServer({ config: { openid: false } }))
  const page = await browser.pages.open(`${ISSUER}/console/keys`)
  expect([page.status, page.url.pathname]).toEqual([200, '/console/keys'])
  const { cookie } = browser
  expect((await browser.pages.press('Sign out')).url.pathname).toBe('/console/signed-out')
  expect(await asksForPassword(browser)).toBe(true)
  browser.cookie = cookie
  expect((await browser.get('/console')).location).toMatch(AUTHORIZE)
})

it('the console is 404 if config.yml has no admin API', async () => {
  const server = new TestServer({ config: { admin_api: undefined } })
  const response = await server.fetch('/console')
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})

describe('a form that is sent after the session has ended', () => {
  const server = new TestServer()
  const NEW_CLIENT = '/console/clients/~new'
  const fields = { client_id: 'kept-client', api: 'storefront', kind: 'public', grants: ['password'] }

  /** Posts a form after the end of the session. */
  async function sendLate(path = NEW_CLIENT, more: Record<string, string | string[]> = fields) {
    const browser = await ConsoleBrowser.signIn(server)
    await signOutUser(server, browser.user.id)
    server.clock.time += 5
    const late = await browser.post(path, more)
    const signIn = async (username = browser.user.username) => {
      await browser.pages.open(ISSUER + late.location)
      return browser.pages.press('Sign in', { Username: username, Password: PASSWORD })
    }
    return { browser, late, signIn }
  }

  it('the same operator sees the values after the sign-in, without passwords, and sends them', async () => {
    const password = `typed-${crypto.randomUUID()}`
    const { browser, late, signIn } = await sendLate(NEW_CLIENT, { ...fields, own_password: password })
    expect([late.status, late.location?.startsWith(AUTHORIZE)]).toEqual([303, true])
    const kept = browser.pages.cookie('__Host-sallyport-console-form') ?? ''
    expect(await server.services.consoleSealer.open(kept)).toContain(fields.client_id)
    expect(await server.services.consoleSealer.open(kept)).not.toContain(password)
    const { status, url, html } = await signIn()
    expect([status, url.pathname, inputOf(html, 'client_id')]).toEqual([
      200,
      '/console/kept',
      fields.client_id,
    ])
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
    expect((await browser.pages.press('Send the form')).status).toBe(201)
  })

  it('a form is kept after the operator signed out in another tab, only with the token of that session', async () => {
    const browser = await ConsoleBrowser.signIn(server)
    const { csrfToken } = browser
    const form = { ...fields, client_id: 'signed-out-client' }
    expect((await browser.post('/console/sign-out')).status).toBe(303)
    await browser.post(NEW_CLIENT, { ...form, csrf_token: 'A'.repeat(32) })
    expect(browser.pages.cookie('__Host-sallyport-console-form')).toBeUndefined()
    const late = await browser.post(NEW_CLIENT, { ...form, csrf_token: csrfToken })
    expect([late.status, late.location?.startsWith(AUTHORIZE)]).toEqual([303, true])
    await browser.pages.open(ISSUER + late.location)
    const page = await browser.pages.press('Sign in', { Username: browser.user.username, Password: PASSWORD })
    expect([page.url.pathname, inputOf(page.html, 'client_id')]).toEqual(['/console/kept', form.client_id])
    expect((await browser.pages.press('Send the form')).status).toBe(201)
  })

  it('the operator sees which object the action of the form changes', async () => {
    const { signIn } = await sendLate('/console/clients/shop%26more/sign-out', {})
    expect((await signIn()).html).toContain('<dt>Form</dt><dd>The client shop&amp;more: sign out</dd>')
  })

  it('another operator, a later sign-in, and a form that is too long see that nothing was saved', async () => {
    const nothing = expect.stringContaining('Your session had ended, so your last change was not saved')
    const { signIn, browser } = await sendLate()
    const { username } = await newOperator(server)
    expect(await signIn(username)).toMatchObject({ status: 200, html: nothing })
    server.clock.time += 3601
    browser.cookie = null
    expect((await browser.signInAt('/console/kept', browser.user.username)).html).toEqual(nothing)
    const long = await sendLate(NEW_CLIENT, { ...fields, name: crypto.randomUUID().repeat(300) })
    expect((await long.signIn()).html).toEqual(nothing)
  })

  it('a form without the token of the ended session is not kept', async () => {
    const { late } = await sendLate(NEW_CLIENT, { ...fields, csrf_token: 'A'.repeat(32) })
    expect(late.status).toBe(403)
    await addConsoleClient(server)
  })
})
