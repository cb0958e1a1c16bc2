import { beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { authorize, browserOf, CODE_CLIENT, exchangeOf, signInAt, VERIFIER } from '../support/authorize.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { enrol } from '../support/second_factor.ts'
import { ACCOUNT_SCOPE, ISSUER, type TestClient, TestServer } from '../support/server.ts'

const HTML = { Accept: 'text/html' }
const INVALID_CLIENT = { error: 'invalid_client', error_description: expect.any(String) }
const INVALID_GRANT = { error: 'invalid_grant', error_description: expect.any(String) }

describe('the account pages', () => {
  const server = new TestServer({
    config: selfService({ second_factor: 'optional', passkeys: { rp_id: 'shop.test' } }),
  })
  const open = (path: string, init: RequestInit = {}) =>
    server.fetch(path, { headers: { ...HTML, Origin: ISSUER }, redirect: 'manual', ...init })
  let client: TestClient

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
  })

  it.each([
    '/account/staff',
    '/account/unknown',
    '/account/customers/unknown',
    '/account/customers/',
    '/account/customers/profile/x',
  ])('the server responds to %s with 404, because the account page is off or unknown', async (path) => {
    const response = await open(path)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([404, 'text/html; charset=UTF-8'])
    expect(await response.text()).toContain('<h1>Page not found</h1>')
  })

  it('the account page refuses other methods with 405 (RFC 9110 §15.5.6)', async () => {
    const response = await open('/account/customers', { method: 'PUT' })
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('a browser without a session signs in without a guest button, and returns to the page that it opened', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    const signIn = await browser.open(`${ACCOUNT}/profile`)
    expect(signIn.url.pathname).toBe('/oauth2-token/authorize')
    expect(signIn.html).toContain('to continue to Sallyport')
    expect(signIn.html).not.toContain('Continue as guest')
    const page = await signInAt(browser, username)
    expect([page.status, page.url.href]).toEqual([200, `${ACCOUNT}/profile`])
    const home = await browser.open(ACCOUNT)
    expect(home.html).toContain(`You are signed in as ${username}`)
    for (const path of ['profile', 'password', 'sessions', 'applications', 'data', 'deletion'])
      expect(home.html).toContain(`href="/account/customers/${path}"`)
  })

  it('/account opens the pool of the session, otherwise a pool whose brand has a name, otherwise the user chooses', async () => {
    const accounts = { customers: { self_service: true }, operators: { self_service: true } }
    const branded = (names: Record<string, string>) => {
      const entries = Object.entries(ACCOUNT_SCOPE.apis).map(([api, value]) => {
        const name = names[api]
        return [api, name === undefined ? value : { ...value, branding: { name } }]
      })
      return new TestServer({ config: { accounts, apis: Object.fromEntries(entries), admin_api: 'admin' } })
    }
    const openIn = async (to: TestServer) => {
      const { url, html } = await browserOf(to).open(`${ISSUER}/account`)
      const names = [...html.matchAll(/<li><a href="\/account\/[^"]+">([^<]+)</g)].map(([, name]) => name)
      return url.searchParams.get('client_id') ?? names
    }
    const shop = branded({ storefront: 'Corner Shop' })
    expect(await openIn(shop)).toBe('sallyport-account/customers')
    expect(await openIn(branded({ storefront: 'Corner Shop', admin: 'Office' }))).toEqual([
      'Corner Shop',
      'Office',
    ])
    expect(await openIn(branded({}))).toEqual(['customers', 'operators'])
    const operator = await shop.addUser({ pool: 'operators', roles: ['support'] })
    const browser = browserOf(shop)
    await browser.open(`${ISSUER}/account/operators`)
    await signInAt(browser, operator.username)
    expect((await browser.open(`${ISSUER}/account`)).url.pathname).toBe('/account/operators')
  })

  it('a browser session of an application opens the account page without a further sign-in', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    expect((await browser.open(ACCOUNT)).html).toContain(`You are signed in as ${username}`)
    server.clock.time += 601
    expect((await browser.open(`${ACCOUNT}/profile`)).url.href).toBe(`${ACCOUNT}/profile`)
  })

  it.each(['password', 'passkeys', 'second-factor', 'data', 'deletion'])(
    'the page %s needs a sign-in of the last 10 minutes, also for its form',
    async (path) => {
      const { username } = await server.addUser()
      const { browser, page } = await openAccount(server, username, { path: `/${path}` })
      expect([page.status, page.url.href]).toEqual([200, `${ACCOUNT}/${path}`])
      server.clock.time += 600
      expect((await browser.open(page.url.href)).url.href).toBe(page.url.href)
      server.clock.time += 1
      const old = await browser.open(page.url.href)
      expect([old.url.pathname, old.html]).toEqual([
        '/oauth2-token/authorize',
        expect.stringContaining('<h1>Sign in</h1>'),
      ])
      browser.show(page)
      const [, button = ''] = /<button[^>]*>([^<]+)<\/button>/.exec(page.html) ?? []
      expect((await browser.press(button)).html).toContain('<h1>Sign in</h1>')
      expect((await signInAt(browser, username)).url.href).toBe(page.url.href)
    },
  )

  it('a user with a second factor proves it for the account page, also in an earlier browser session with one factor', async () => {
    const user = await server.addUser()
    const { browser } = await openAccount(server, user.username)
    const app = await enrol(server, user)
    const page = await browser.open(`${ACCOUNT}/profile`)
    expect(page.html).toContain('<h1>Confirm that it is you</h1>')
    const end = await browser.press('Continue', { '6-digit code': await app.codeAt(server.clock.time) })
    expect(end.url.href).toBe(`${ACCOUNT}/profile`)
  })

  it('a user who must change the password does so before the account page', async () => {
    const { username } = await server.addUser({ mustChangePassword: true })
    const { page } = await openAccount(server, username)
    expect(page.html).toContain('<h1>Choose a new password</h1>')
  })

  it('the token endpoint refuses a code of the account page, because no client can exchange it', async () => {
    const { username } = await server.addUser()
    let code = ''
    const browser = new PageBrowser((request) => {
      code = new URL(request.url).searchParams.get('code') ?? code
      return server.send(request)
    })
    await openAccount(server, username, { browser })
    const exchange = { ...exchangeOf(client, code), redirect_uri: ACCOUNT, code_verifier: '' }
    for (const client_id of ['sallyport-account/customers', 'sallyport-account'])
      for (const client_secret of ['', 'x']) {
        const response = await server.postForm({ ...exchange, client_id, client_secret })
        expect([response.status, await response.json()]).toEqual([401, INVALID_CLIENT])
      }
    const other = await server.postForm({ ...exchange, code_verifier: VERIFIER })
    expect([other.status, await other.json()]).toEqual([400, INVALID_GRANT])
  })
})
