import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { ClientEdit } from '../../src/clients/client_admin_store.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  signInAt,
  VERIFIER,
} from '../support/authorize.ts'
import { CUSTOMER_PLACES } from '../support/customer_places.ts'
import type { ShownPage } from '../support/page_browser.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const OTHER_CALLBACK = 'https://app.test/other'
const REFUSED = { error: 'invalid_grant', error_description: 'The authorization code is invalid.' }

describe.each(CUSTOMER_PLACES)('attacks on the sign-in by browser, with customers in $name', ({ config }) => {
  const server = new TestServer({ config })
  let client: TestClient
  let partner: TestClient
  let username: string
  let userId: string

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    const redirectUris = [CALLBACK, OTHER_CALLBACK]
    partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner', redirectUris })
    const user = await server.addUser()
    username = user.username
    userId = user.id
  })

  it('no site can frame a page of the sign-in (clickjacking)', async () => {
    const browser = browserOf(server)
    const pages = [
      await browser.open(authorizeUrl(partner)),
      await signInAt(browser, username),
      await browser.open(authorizeUrl(client, { prompt: 'select_account' })),
      await browser.open(authorizeUrl(client, { redirect_uri: 'https://evil.test/' })),
      await browser.open(`${ISSUER}/oauth2-token/logout`),
    ]
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 400, 200])
    expect(new Set(pages.map(({ html }) => html)).size).toBe(pages.length)
    for (const { headers } of pages) {
      expect(headers.get('X-Frame-Options')).toBe('DENY')
      expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('Referrer-Policy')).toBe('same-origin')
    }
    // Browsers apply `form-action` to each redirect, and the opener policy would separate a window from its application.
    const isLeftOpen = ({ headers }: ShownPage) =>
      !headers.get('Content-Security-Policy')?.includes('form-action') &&
      headers.get('Cross-Origin-Opener-Policy') === 'unsafe-none'
    expect(pages.map(isLeftOpen)).toEqual([true, true, true, false, true])
  })

  it.each<[string, Record<string, string | undefined>]>([
    ['another verifier', { code_verifier: 'x'.repeat(43) }],
    ['no verifier', { code_verifier: undefined }],
    ['a malformed verifier', { code_verifier: `${VERIFIER} ` }],
    ['another redirect URI', { redirect_uri: OTHER_CALLBACK }],
    ['no redirect URI', { redirect_uri: undefined }],
  ])('a stolen code gives no token with %s, and no longer works (code injection)', async (_what, changes) => {
    const code = await newCode(server, client, userId)
    for (const attempt of [exchangeOf(client, code, changes), exchangeOf(client, code)]) {
      const response = await server.postJson(attempt)
      expect([response.status, await response.json()]).toEqual([400, REFUSED])
    }
  })

  it('a stolen code gives no token to another client, and no longer works', async () => {
    const code = await newCode(server, client, userId)
    for (const thief of [partner, client]) {
      const response = await server.postJson(exchangeOf(thief, code))
      expect([response.status, await response.json()]).toEqual([400, REFUSED])
    }
  })

  it('a user is asked again if a request has more scopes or another redirect URI than the consent', async () => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    await signInAt(browser, username)
    const { url } = await browser.press('Allow')
    await server.requireTokens(exchangeOf(partner, url.searchParams.get('code')))
    const again = await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    expect(again.url.searchParams.has('code')).toBe(true)
    for (const changes of [{ scope: 'cart orders' }, { scope: 'cart', redirect_uri: OTHER_CALLBACK }]) {
      const page = await browser.open(authorizeUrl(partner, changes))
      expect([page.url.origin, page.html]).toEqual([ISSUER, expect.stringContaining('Allow Partner')])
      const silent = await browser.open(authorizeUrl(partner, { ...changes, prompt: 'none' }))
      expect(silent.url.searchParams.get('error')).toBe('consent_required')
    }
  })

  /** Changes a client as an operator does. The copies of the client are current afterwards. */
  async function change({ id }: TestClient, edit: ClientEdit): Promise<void> {
    const { clientAdmin, clients } = server.services
    await clientAdmin.change(id, edit, { versions: null, now: server.clock.time }, [])
    await clients.renewCopy(id, server.context())
    clients.forget(id)
    server.clock.time += 10
  }

  it.each<[string, ClientEdit]>([
    ['is third-party', { isFirstParty: false }],
    ['needs PKCE', { requiresPkce: true }],
    ['has another redirect URI', { redirectUris: [OTHER_CALLBACK] }],
  ])('a code gives no token if the client %s at the exchange', async (_what, edit) => {
    const changed = await server.addClient({ ...CODE_CLIENT, confidential: true, requiresPkce: false })
    const code = await newCode(server, changed, userId, { challenge: null })
    await change(changed, edit)
    const response = await server.postJson(exchangeOf(changed, code, { code_verifier: undefined }))
    expect([response.status, await response.json()]).toEqual([400, REFUSED])
  })

  it.each<[string, ClientEdit, Record<string, unknown>]>([
    ['the code grant', { grants: ['password'] }, { error: 'unauthorized_client' }],
    ['the requested scope', { scopes: ['orders'] }, { error: 'invalid_scope' }],
    ['the permission to send no code_challenge', { requiresPkce: true }, { error: 'invalid_request' }],
  ])('a form gives no code to a client that lost %s while the page was open', async (_what, edit, error) => {
    const changed = await server.addClient({ ...CODE_CLIENT, confidential: true, requiresPkce: false })
    const browser = browserOf(server)
    await browser.open(
      authorizeUrl(changed, { scope: 'cart', code_challenge: undefined, code_challenge_method: undefined }),
    )
    await change(changed, edit)
    const { url } = await signInAt(browser, username)
    expect([url.origin, Object.fromEntries(url.searchParams)]).toEqual([
      new URL(CALLBACK).origin,
      expect.objectContaining({ ...error, state: 'st' }),
    ])
    expect(url.searchParams.has('code')).toBe(false)
  })

  it('a client that is no longer first-party gets no guest of a page from before, and the page asks for consent', async () => {
    const changed = await server.addClient({ ...CODE_CLIENT, grants: ['password', 'authorization_code'] })
    const guest = await server.signIn(changed, 'guest', 'guest')
    const browser = browserOf(server)
    await browser.open(authorizeUrl(changed, { visitor_access_token: guest.access_token }))
    await change(changed, { isFirstParty: false })
    expect((await signInAt(browser, username)).html).toContain('<h1>Allow A test client')
    const { url } = await browser.press('Allow')
    const tokens = await server.requireTokens(exchangeOf(changed, url.searchParams.get('code')))
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('visitor_id')
    await server.refresh(changed, guest.refresh_token)
  })

  it('a scope that the client lost between the code and the exchange is not granted', async () => {
    const changed = await server.addClient({ ...CODE_CLIENT, scopes: ['cart', 'orders'] })
    const code = await newCode(server, changed, userId, { scope: ['cart', 'orders'] })
    await change(changed, { scopes: ['cart'] })
    const tokens = await server.requireTokens(exchangeOf(changed, code))
    expect([tokens.scope, decodeJwt(tokens.access_token).scope]).toEqual(['cart', 'cart'])
  })

  it('a client without a consent learns with prompt=none neither who is signed in nor since when', async () => {
    const stranger = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    server.clock.time += 100
    const errorOf = async (changes: Record<string, string>) =>
      (await browser.open(authorizeUrl(stranger, { prompt: 'none', ...changes }))).url.searchParams.get(
        'error',
      )
    const guesses: Record<string, string>[] = [
      {},
      { login_hint: username },
      { login_hint: 'other@example.com' },
      { max_age: '50' },
      { max_age: '200' },
    ]
    const errors: unknown[] = []
    for (const guess of guesses) errors.push(await errorOf(guess))
    expect(errors).toEqual(guesses.map(() => 'consent_required'))
  })

  it('a browser session signs no user in at a client of another pool', async () => {
    const staff = await server.addClient({ ...CODE_CLIENT, api: 'backoffice' })
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const silent = await browser.open(authorizeUrl(staff, { prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('login_required')
    await browser.open(authorizeUrl(staff))
    expect((await signInAt(browser, username)).html).toContain('Wrong username or password.')
  })

  it('no log line and no audit event has a code, a verifier, a state, a cookie, a visitor token or a password', async () => {
    const lines: string[] = []
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line: string) => lines.push(line)),
    )
    const state = 'state-of-the-application'
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, { state, redirect_uri: 'https://evil.test/' }))
    const shop = await server.addClient()
    const { access_token: visitor } = await server.signIn(shop, 'guest', 'guest')
    await browser.open(authorizeUrl(client, { state, visitor_access_token: visitor }))
    await signInAt(browser, username, 'mistyped horse')
    const { url } = await signInAt(browser, username)
    const code = url.searchParams.get('code') ?? ''
    for (let use = 0; use < 2; use++) await server.postJson(exchangeOf(client, code))
    await server.postJson(exchangeOf(client, `${code}x`))
    await server.settle()
    for (const spy of spies) spy.mockRestore()
    const { results } = await env.DB.prepare('SELECT * FROM audit_events').all()
    const written = [...lines, ...results.map((row) => JSON.stringify(row))].join('\n')
    expect(written).toContain('the code was used before')
    const cookie = browser.cookie('__Host-sallyport-customers') ?? ''
    for (const secret of [code, VERIFIER, state, cookie, visitor, 'mistyped horse', PASSWORD, username]) {
      expect(secret).not.toBe('')
      expect(written).not.toContain(secret)
    }
  })
})
