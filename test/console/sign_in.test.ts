import { afterAll, describe, expect, it } from 'vitest'
import { addConsoleClient, ConsoleBrowser, inputOf } from '../support/console.ts'
import { FaultyStores } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

const SIGN_IN = '/console/sign-in?next=%2Fconsole'

// Its clocks run ahead, and so do its events.
afterAll(emptyStores)

async function newOperator(server: TestServer, roles = ['admin']) {
  await addConsoleClient(server)
  return server.addUser({ pool: 'operators', roles })
}

describe('signing in', () => {
  it('is where everybody is sent first, with the page that they wanted', async () => {
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

  it('gives a cookie that no script reads, no other site sends and no neighbour plants, and nothing to read in it', async () => {
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

  it('gives a cookie without Secure on a loopback address, for the console alone', async () => {
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
  ])('leads to the dashboard, never to %s', async (next) => {
    const server = new TestServer()
    const { username } = await newOperator(server)
    const answer = await new ConsoleBrowser(server).postSignIn(username, PASSWORD, next)
    expect(answer).toMatchObject({ status: 303, location: '/console' })
  })

  it('refuses a wrong password, an unknown name, a person of another pool and an operator without a role alike', async () => {
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

  it('says what to do where the client of the console is missing, or of another API', async () => {
    await emptyStores()
    const missing = await new ConsoleBrowser(new TestServer()).postSignIn('anybody')
    expect(missing).toMatchObject({ status: 503, html: expect.stringContaining('npm run first-admin') })
    const server = new TestServer({ config: { admin_api: 'backoffice' } })
    const { username } = await newOperator(server)
    const foreign = await new ConsoleBrowser(server).postSignIn(username)
    expect(foreign).toMatchObject({ status: 503, html: expect.stringContaining('npm run first-admin') })
  })

  it('begins anew where the cookie was changed, or sealed by another secret', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const cookie = browser.cookie ?? ''
    browser.cookie = `${cookie.slice(0, -2)}AA`
    expect(await browser.get('/console')).toMatchObject({ status: 303, location: SIGN_IN })
    const env = { SEALING_KEY: 'A'.repeat(43) }
    const elsewhere = new ConsoleBrowser(new TestServer({ env }))
    elsewhere.cookie = cookie
    expect(await elsewhere.get('/console')).toMatchObject({ status: 303, location: SIGN_IN })
  })
})

describe('a session', () => {
  it('is refreshed ahead of its end, in two tabs at once too', async () => {
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

  it('keeps its form token over a refresh, so that a page from before can still be sent', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    server.clock.time += 3550
    const { status } = await browser.post('/console/clients/~new', { api: 'storefront', client_id: '' })
    expect(status).toBe(422)
  })

  it('is over where another operator ended it, and says so', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const admin = await ConsoleBrowser.signIn(server)
    const done = await admin.post(`/console/users/${browser.user.id}/sign-out`)
    expect(done.location).toBe(`/console/users/${encodeURIComponent(browser.user.id)}?done=user-signed-out`)
    server.clock.time += 5
    const get = await browser.get('/console')
    expect(get).toMatchObject({ status: 303, location: '/console/sign-in?reason=ended&next=%2Fconsole' })
    expect(browser.cookie).toBeNull()
    expect((await browser.get(get.location ?? '')).html).toContain('Your session has ended')
  })

  it('loses nothing while the stores are away', async () => {
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

  it('asks for a new password first where an admin wants one', async () => {
    const server = new TestServer()
    const { id, username } = await newOperator(server)
    const admin = await ConsoleBrowser.signIn(server)
    const etag = inputOf((await admin.get(`/console/users/${id}`)).html, 'etag')
    await admin.post(`/console/users/${id}/ask-password`, { etag })
    const browser = new ConsoleBrowser(server)
    await browser.postSignIn(username)
    expect(await browser.get('/console/clients')).toMatchObject({
      status: 303,
      location: '/console/password',
    })
    expect((await browser.get('/console/password')).html).toContain('Set a new password to continue')
    const change = (fields: Record<string, string>) => browser.post('/console/password', fields)
    const before = browser.cookie
    const twice = await change({ current_password: PASSWORD, password: 'a new password', repeated: 'other' })
    expect(twice).toMatchObject({ status: 422, html: expect.stringContaining('The two new passwords are different') })
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
    expect(done).toMatchObject({ status: 303, location: '/console?done=own-password-set' })
    expect(browser.cookie).not.toBe(before)
    expect((await browser.get('/console')).status).toBe(200)
    const other = Object.assign(new ConsoleBrowser(server), { cookie: before })
    expect((await other.get('/console')).location).toBe('/console/sign-in?reason=ended&next=%2Fconsole')
    expect((await new ConsoleBrowser(server).postSignIn(username, 'a new password')).status).toBe(303)
  })
})

describe('an operator who loses a role', () => {
  it('stays signed in, with the role that is left, and loses nothing that is typed', async () => {
    const server = new TestServer()
    const boss = await TestOperator.signIn(server)
    const browser = await ConsoleBrowser.signIn(server, ['admin', 'support'])
    const before = browser.cookie
    const change = await boss.patch(`/users/${browser.user.id}`, { roles: ['support'] }, '"1"')
    expect(change.status).toBe(200)
    const user = await server.addUser()
    const disabled = await browser.post(`/console/users/${user.id}/disable`)
    expect(disabled).toMatchObject({ status: 303, location: expect.stringContaining('user-disabled') })
    expect(browser.cookie).not.toBe(before)
    expect((await browser.get('/console/users/new')).status).toBe(403)
  })
})

describe('signing out', () => {
  it('ends the session on the server, so that the cookie is worth nothing wherever it went', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const { cookie } = browser
    const answer = await browser.post('/console/sign-out')
    expect(answer).toMatchObject({ status: 303, location: '/console/sign-in?reason=signed-out' })
    expect(browser.setCookie).toMatch(/^__Host-sallyport-console=; Max-Age=0; Path=\/; HttpOnly; Secure/)
    browser.cookie = cookie
    expect((await browser.get('/console')).location).toBe('/console/sign-in?reason=ended&next=%2Fconsole')
  })

  it('tells where the server could not end it', async () => {
    const stores = new FaultyStores()
    const browser = await ConsoleBrowser.signIn(new TestServer({ env: stores.env }))
    stores.up = false
    const answer = await browser.post('/console/sign-out')
    expect(answer.location).toBe('/console/sign-in?reason=signed-out-here')
    expect(browser.cookie).toBeNull()
  })
})

it('is not there where config.yml has no admin API', async () => {
  const server = new TestServer({ config: { admin_api: undefined } })
  const response = await server.fetch('/console')
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})
