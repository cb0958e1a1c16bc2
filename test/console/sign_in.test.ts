import { afterAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { CHALLENGE, newCode } from '../support/authorize.ts'
import { addConsoleClient, ConsoleBrowser, inputOf } from '../support/console.ts'
import {
  AUTHORIZE,
  asksForPassword,
  newOperator,
  newResponse,
  openResponse,
  signedIn,
} from '../support/console_sign_in.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { emptyStores, ISSUER, PASSWORD, TestServer } from '../support/server.ts'

const ATTEMPT = '__Host-sallyport-console-attempt'
const FRESH = 'a new battery staple'

// The clocks of this file run ahead, and so do its events.
afterAll(emptyStores)

describe('signing in', () => {
  it('a page without a session leads to the authorization endpoint, and the sign-in leads back to the page', async () => {
    const server = new TestServer()
    const { username } = await newOperator(server)
    const browser = new ConsoleBrowser(server)
    const { status, location } = await browser.get('/console/users?q=ada%26b')
    const { pathname, searchParams } = new URL(location ?? '', ISSUER)
    expect([status, pathname, [...searchParams.keys()]]).toEqual([
      303,
      AUTHORIZE,
      ['client_id', 'request_uri'],
    ])
    const page = await browser.signInAt('/console/users?q=ada%26b', username)
    expect([page.status, page.url.pathname, page.url.search]).toEqual([200, '/console/users', '?q=ada%26b'])
    expect(page.html).toContain(`<span class="who">${username}</span>`)
  })

  it('the cookie is sealed and has HttpOnly, SameSite=Strict and the prefix __Host-', async () => {
    const { browser } = await signedIn()
    const answer = await openResponse(browser, await newResponse(browser, '/console/audit?kind=key'))
    expect([answer.status, answer.headers.get('Refresh')]).toEqual([200, '0; url=/console/audit?kind=key'])
    expect(browser.setCookie).toMatch(
      /^__Host-sallyport-console=eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    const [header = ''] = (browser.cookie ?? '').split('.')
    expect(JSON.parse(atob(header))).toEqual({ alg: 'dir', enc: 'A256GCM' })
    expect((await browser.get('/console')).status).toBe(200)
  })

  it('on a loopback issuer the sign-in at the console shows no consent page, a redirect URI with another port shows it, and the cookie has no Secure', async () => {
    const issuer = 'http://127.0.0.1:8787'
    const server = new TestServer({ config: { issuer } })
    const { username } = await newOperator(server)
    const lines: string[] = []
    const browser = new PageBrowser(async (request) => {
      const response = await server.send(request)
      lines.push(...response.headers.getSetCookie())
      return response
    })
    await browser.open(`${issuer}/console`)
    const page = await browser.press('Sign in', { Username: username, Password: PASSWORD })
    expect([page.status, page.url.pathname]).toEqual([200, '/console'])
    const request = {
      response_type: 'code',
      client_id: 'sallyport-console',
      redirect_uri: 'http://127.0.0.1:8788/console/callback',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    }
    const other = await browser.open(`${issuer}${AUTHORIZE}?${new URLSearchParams(request)}`)
    expect(other.html).toContain('Allow Sallyport console to use your account?')
    expect(lines.filter((line) => line.startsWith('sallyport-console='))).toEqual([
      expect.stringMatching(/^sallyport-console=[\w.-]+; Path=\/console; HttpOnly; SameSite=Strict$/),
    ])
  })

  it.each(['cross-site', 'same-site'])(
    'a link from another origin (%s) gets a page that reloads the URL from the console, because browsers send no Strict cookie',
    async (relation) => {
      const browser = new ConsoleBrowser(new TestServer())
      await addConsoleClient(browser.server)
      const open = (site: string) =>
        browser.send('/console/users?q=a', { headers: { 'Sec-Fetch-Site': site } })
      const { status, headers, html } = await open(relation)
      expect([status, headers.get('Refresh')]).toEqual([200, '0; url=/console/users?q=a'])
      expect(html).toContain('href="/console/users?q=a"')
      expect((await open('same-origin')).status).toBe(303)
    },
  )

  it('a very long address leads to the dashboard', async () => {
    const { browser } = await signedIn()
    const response = await newResponse(browser, `/console/users?q=${'a'.repeat(1000)}`)
    expect((await openResponse(browser, response)).headers.get('Refresh')).toBe('0; url=/console')
  })

  it('a user without a role and a user of another pool are refused, and no session stays', async () => {
    const server = new TestServer()
    const withoutRole = await newOperator(server, [])
    const customer = await server.addUser()
    const browser = new ConsoleBrowser(server)
    const refused = await browser.signInAt('/console', customer.username)
    expect([refused.status, refused.html.includes('Wrong username or password')]).toEqual([400, true])
    const page = await browser.pages.press('Sign in', { Username: withoutRole.username, Password: PASSWORD })
    expect([page.status, browser.cookie]).toEqual([403, null])
    expect(page.html).toContain('Your account cannot use the console')
    expect(page.html).not.toContain('<nav')
    const [issue] = await auditOf({ subject: withoutRole.id, kind: 'issue' })
    expect(await auditOf({ sid: issue?.sid ?? '', kind: 'revoke' })).toHaveLength(1)
    const { username } = await newOperator(server)
    await browser.pages.open(`${ISSUER}/console/sign-in`)
    const other = await browser.pages.press('Sign in', { Username: username, Password: PASSWORD })
    expect([other.status, other.url.pathname]).toEqual([200, '/console'])
  })

  it('an operator who must change the password does it on the page of the service', async () => {
    const server = new TestServer()
    const { id, username } = await newOperator(server)
    const admin = await ConsoleBrowser.signIn(server)
    const etag = inputOf((await admin.get(`/console/users/${id}`)).html, 'etag')
    await admin.post(`/console/users/${id}/require-password-change`, { etag })
    const browser = new ConsoleBrowser(server)
    const page = await browser.signInAt('/console/clients', username)
    expect(page.html).toContain('Choose a new password')
    const next = await browser.pages.press('Set password', {
      'Current password': PASSWORD,
      'New password': FRESH,
      'New password again': FRESH,
    })
    expect([next.status, next.url.pathname]).toEqual([200, '/console/clients'])
  })

  it('the console says what to do if its client is missing, has the old grant or belongs to another API', async () => {
    await emptyStores()
    const expectNotSetUp = async (server: TestServer) =>
      expect(await new ConsoleBrowser(server).get('/console')).toMatchObject({
        status: 503,
        html: expect.stringContaining('npm run deploy'),
      })
    const server = new TestServer()
    await expectNotSetUp(server)
    await server.addClient({
      id: 'sallyport-console',
      api: 'admin',
      confidential: false,
      grants: ['password'],
    })
    server.clock.time += 60
    await expectNotSetUp(server)
    await addConsoleClient(server)
    server.clock.time += 60
    expect((await new ConsoleBrowser(server).get('/console')).status).toBe(303)
    const foreign = new TestServer({ config: { admin_api: 'backoffice' }, clock: server.clock })
    const { username } = await newOperator(server)
    const page = await new ConsoleBrowser(foreign).signInAt('/console', username)
    expect([page.status, page.html.includes('npm run deploy')]).toEqual([503, true])
  })

  it('a changed cookie, or one sealed under another secret, leads to the sign-in', async () => {
    const server = new TestServer()
    const browser = await ConsoleBrowser.signIn(server)
    const cookie = browser.cookie ?? ''
    browser.cookie = `${cookie.slice(0, -8)}${cookie.at(-8) === 'A' ? 'B' : 'A'}${cookie.slice(-7)}`
    expect((await browser.get('/console')).location).toMatch(AUTHORIZE)
    const elsewhere = new ConsoleBrowser(new TestServer({ env: { SEALING_KEY: 'A'.repeat(43) } }))
    elsewhere.cookie = cookie
    expect((await elsewhere.get('/console')).location).toMatch(AUTHORIZE)
  })
})

describe('the response of the authorization endpoint', () => {
  it("an attacker's response signs no operator in (CSRF on sign-in)", async () => {
    const { server, browser: attacker } = await signedIn()
    const response = await newResponse(attacker)
    const { username } = await newOperator(server)
    const victim = new ConsoleBrowser(server)
    await victim.signInAt('/console', username)
    const before = victim.cookie
    expect((await openResponse(victim, response)).location).toMatch(AUTHORIZE)
    expect(victim.cookie).toBe(before)
    expect((await victim.get('/console')).html).toContain(username)
  })

  it('two tabs sign in at the same time, in any order', async () => {
    const { browser } = await signedIn()
    const [first, second] = [
      await newResponse(browser, '/console/keys'),
      await newResponse(browser, '/console/users'),
    ]
    expect((await openResponse(browser, second)).headers.get('Refresh')).toBe('0; url=/console/users')
    expect((await openResponse(browser, first)).headers.get('Refresh')).toBe('0; url=/console/keys')
    expect((await browser.get('/console')).status).toBe(200)
  })

  it('a response that is loaded again does not end the session, and a used code leads to a new attempt', async () => {
    const { browser, user } = await signedIn()
    const response = await newResponse(browser)
    await openResponse(browser, response)
    expect((await openResponse(browser, response)).headers.get('Refresh')).toBe('0; url=/console')
    expect((await browser.get('/console')).status).toBe(200)
    expect(await auditOf({ subject: user.id, outcome: 'refused' })).toEqual([])
    browser.cookie = null
    expect((await openResponse(browser, response)).location).toMatch(AUTHORIZE)
    expect(await asksForPassword(browser)).toBe(false)
  })

  it.each<[string, (browser: ConsoleBrowser) => void, Record<string, string>]>([
    ['without the cookie of its attempt', (browser) => browser.removeCookie(ATTEMPT), {}],
    [
      'of an attempt of an hour ago',
      ({ server }) => {
        server.clock.time += 3601
      },
      {},
    ],
    ['of another issuer (RFC 9207 §2.4)', () => {}, { iss: 'https://evil.test' }],
    ['with an error in place of the code', () => {}, { code: '', error: 'invalid_request_uri' }],
  ])(
    'a response %s leads to a new attempt for the same page, and the second one to a page',
    async (_, change, parameters) => {
      const { browser } = await signedIn()
      const response = await newResponse(browser, '/console/keys')
      change(browser)
      const again = await openResponse(browser, response, parameters)
      expect([again.status, again.location?.startsWith(AUTHORIZE), browser.cookie]).toEqual([303, true, null])
      const { location } = await browser.get(again.location ?? '')
      if (location === null) return
      const refused = await openResponse(browser, new URL(location), { iss: '' })
      expect([refused.status, refused.html.includes('Allow cookies for this site')]).toEqual([400, true])
      expect((await browser.get(location.slice(ISSUER.length))).headers.get('Refresh')).toBe(
        '0; url=/console/keys',
      )
    },
  )

  it('a response without a state of this server leads to a new attempt', async () => {
    const { browser } = await signedIn()
    for (const path of ['/console/callback', '/console/callback?state=x&code=y'])
      expect((await browser.get(path)).location).toMatch(AUTHORIZE)
  })

  it('the console shows a page with a link to a new sign-in after Cancel, and responds with 503 to the error temporarily_unavailable', async () => {
    const server = new TestServer()
    await addConsoleClient(server)
    const browser = new ConsoleBrowser(server)
    await browser.pages.open(`${ISSUER}/console`)
    const page = await browser.pages.press('Cancel')
    expect([page.status, page.url.pathname]).toEqual([200, '/console/callback'])
    expect(page.html).toContain('The sign-in was cancelled.')
    expect(page.html).toContain('href="/console"')
    const answer = await openResponse(browser, page.url, { error: 'temporarily_unavailable' })
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '5'])
  })

  it('an ID token of another attempt signs no operator in, and its session ends', async () => {
    const { server, browser, user } = await signedIn()
    const response = await newResponse(browser)
    const { consoleSealer, codes } = server.services
    const state = response.searchParams.get('state') ?? ''
    const attempt = JSON.parse((await consoleSealer.open(state)) ?? '{}')
    const forged = await consoleSealer.sealValue({ ...attempt, nonce: 'another nonce' })
    const code = await codes.open(response.searchParams.get('code') ?? '')
    const answer = await openResponse(browser, response, { state: forged })
    expect([answer.location?.startsWith(AUTHORIZE), browser.cookie]).toEqual([true, null])
    expect(await auditOf({ subject: user.id, sid: code?.sid ?? '', kind: 'revoke' })).toHaveLength(1)
  })

  it('a code of another attempt is refused, because it needs the verifier of that attempt', async () => {
    const { server, browser, user } = await signedIn()
    const response = await newResponse(browser)
    const changes = { api: 'admin', scope: ['openid'], challenge: CHALLENGE }
    const code = await newCode(server, { id: 'sallyport-console' }, user.id, changes)
    const answer = await openResponse(browser, response, { code })
    expect([answer.location?.startsWith(AUTHORIZE), browser.cookie]).toEqual([true, null])
  })
})
