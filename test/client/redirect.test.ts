import { describe, expect, it } from 'vitest'
import type { Client } from '../../packages/client/src/client.ts'
import type { ClientOptions, RedirectOptions } from '../../packages/client/src/options.ts'
import { readClaims } from '../../packages/client/src/session.ts'
import { readStepUp } from '../../packages/client/src/step_up.ts'
import { CALLBACK, CODE_CLIENT } from '../support/authorize.ts'
import {
  ADDRESS,
  API,
  Browser,
  BrowserStorage,
  CART,
  claimsOf,
  grantsOf,
  subjectOf,
} from '../support/browser.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { ISSUER, PASSWORD } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

fakeWaits()

const HOME = 'https://app.test/cart'

/** A browser with a shop at app.test, and the pages of the token service. */
async function openShop() {
  const browser = await Browser.open(
    {},
    { ...CODE_CLIENT, grants: ['password', ...CODE_CLIENT.grants], postLogoutRedirectUris: [HOME] },
  )
  const user = await browser.server.addUser()
  const pages = new PageBrowser(async (request) =>
    request.url.startsWith(`${ISSUER}/`) ? browser.server.send(request) : new Response('the shop'),
  )
  return { browser, user, pages }
}

type Shop = Awaited<ReturnType<typeof openShop>>

/** A tab of the shop, which records the addresses for which it leaves. */
function openTab({ browser }: Shop, options: Partial<ClientOptions> = {}) {
  const left: string[] = []
  const attemptStorage = new BrowserStorage()
  const navigate = (url: string) => void left.push(url)
  const client = browser.tab({ attemptStorage, navigate, ...options })
  return { client, left, attemptStorage }
}

type OpenTab = ReturnType<typeof openTab>

async function leave({ client, left }: OpenTab, options: RedirectOptions = {}): Promise<URL> {
  await client.signInWithRedirect({ redirectUri: CALLBACK, ...options })
  return new URL(left.at(-1) ?? '')
}

/** Signs the user in on the pages, unless the browser session is enough. @returns the address of the redirect */
async function signInAt({ pages, user }: Shop, url: URL): Promise<string> {
  const page = await pages.open(url.href)
  if (page.url.origin !== ISSUER) return page.url.href
  return (await pages.press('Sign in', { Username: user.username, Password: PASSWORD })).url.href
}

/** The address of the redirect with other values. */
function changed(address: string, changes: Record<string, string>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(changes)) url.searchParams.set(name, value)
  return url.href
}

function expectSignedIn(client: Client, { user }: Shop): void {
  expect(claimsOf(client.session).sub).toBe(user.id)
}

describe('a sign-in by redirect', () => {
  it('the client signs a user in with code, PKCE, state and nonce, and returns to the page', async () => {
    const shop = await openShop()
    const tab = openTab(shop, { scope: 'cart' })
    const wishes = { loginHint: shop.user.username, uiLocales: 'en', maxAgeSeconds: 60 }
    const url = await leave(tab, { returnTo: '/cart', acrValues: 'urn:sallyport:1', ...wishes })
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: expect.stringMatching(/^client-/),
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'cart',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      login_hint: shop.user.username,
      ui_locales: 'en',
      acr_values: 'urn:sallyport:1',
      max_age: '60',
    })
    const address = await signInAt(shop, url)
    const result = await tab.client.handleRedirect(address)
    expect(result).toEqual({ kind: 'signed_in', session: tab.client.session, returnTo: '/cart' })
    expectSignedIn(tab.client, shop)
    expect(claimsOf(tab.client.session).scope).toBe('cart')
    expect(await subjectOf(await tab.client.fetch(CART))).toBe(shop.user.id)
    expect(tab.attemptStorage.items.size).toBe(0)
    shop.browser.server.clock.time += 3600
    expect(await subjectOf(await tab.client.fetch(CART))).toBe(shop.user.id)
    expect(grantsOf(shop.browser)).toEqual(['authorization_code', 'refresh_token'])
    expect(shop.browser.events).toEqual(['signed_in', 'refreshed'])
  })

  it("a guest's token is pushed, is never in a URL, and the sign-in merges the guest", async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const visitor = await subjectOf(await tab.client.fetch(CART))
    const token = tab.client.session?.accessToken ?? ''
    const url = await leave(tab)
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    expect(url.href).not.toContain(token)
    const address = await signInAt(shop, url)
    expect(address).not.toContain(token)
    expect(await tab.client.handleRedirect(address)).toMatchObject({ kind: 'signed_in' })
    expect(claimsOf(tab.client.session)).toMatchObject({ sub: shop.user.id, visitor_id: visitor })
  })

  it('two tabs sign in at the same time, in any order', async () => {
    const shop = await openShop()
    const [first, second] = [openTab(shop), openTab(shop)]
    const urls = [await leave(first), await leave(second)] as const
    const late = await signInAt(shop, urls[1])
    const early = await signInAt(shop, urls[0])
    expect(await second.client.handleRedirect(late)).toMatchObject({ kind: 'signed_in' })
    expect(await first.client.handleRedirect(early)).toMatchObject({ kind: 'signed_in' })
    expectSignedIn(second.client, shop)
  })

  it('two attempts of one tab do not replace each other', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const first = await leave(tab)
    const second = await leave(tab)
    await tab.client.handleRedirect(await signInAt(shop, second))
    expect(await tab.client.handleRedirect(await signInAt(shop, first))).toMatchObject({ kind: 'signed_in' })
  })

  it('an address without a response of the token service is no result', async () => {
    const tab = openTab(await openShop())
    for (const address of [HOME, `${HOME}?code=x`, `${HOME}?state=x`, `${HOME}?error=access_denied`])
      expect(await tab.client.handleRedirect(address)).toEqual({ kind: 'none' })
  })
})

describe('a failed sign-in by redirect', () => {
  it('the back button after a sign-in leads to a new attempt, and the user stays signed in', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const address = await signInAt(shop, await leave(tab))
    await tab.client.handleRedirect(address)
    const again = await tab.client.handleRedirect(address)
    expect(again).toEqual({ kind: 'retry', reason: 'unknown_attempt', returnTo: null })
    expect(await subjectOf(await tab.client.fetch(CART))).toBe(shop.user.id)
    await hurry(tab.client.refresh())
    expectSignedIn(tab.client, shop)
  })

  it("an attacker's response signs no user in", async () => {
    const shop = await openShop()
    const [victim, attacker] = [openTab(shop), openTab(shop)]
    const address = await signInAt(shop, await leave(attacker))
    await leave(victim)
    const result = await victim.client.handleRedirect(address)
    expect(result).toEqual({ kind: 'retry', reason: 'unknown_attempt', returnTo: null })
    expect(victim.client.session).toBeNull()
    expect(shop.browser.posted).toEqual([])
  })

  it("a code of another attempt is refused, because it needs that attempt's verifier", async () => {
    const shop = await openShop()
    const [victim, attacker] = [openTab(shop), openTab(shop)]
    const { searchParams } = new URL(await signInAt(shop, await leave(attacker)))
    const own = await signInAt(shop, await leave(victim, { returnTo: '/' }))
    const injected = changed(own, { code: searchParams.get('code') ?? '' })
    const result = await victim.client.handleRedirect(injected)
    expect(result).toEqual({ kind: 'retry', reason: 'invalid_grant', returnTo: '/' })
    expect(victim.client.session).toBeNull()
  })

  it('a response of another issuer, or without iss, is refused before its code is sent (RFC 9207 §2.4)', async () => {
    const shop = await openShop()
    for (const iss of ['https://id.evil.test', `${ISSUER}/`, '']) {
      const tab = openTab(shop)
      const address = changed(await signInAt(shop, await leave(tab)), { iss })
      const result = await tab.client.handleRedirect(address)
      expect(result).toEqual({ kind: 'retry', reason: 'wrong_issuer', returnTo: null })
    }
    expect(shop.browser.posted).toEqual([])
  })

  it('a code that has expired leads to a new attempt, which needs no password', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const address = await signInAt(shop, await leave(tab))
    shop.browser.server.clock.time += 61
    const result = await tab.client.handleRedirect(address)
    expect(result).toEqual({ kind: 'retry', reason: 'invalid_grant', returnTo: null })
    const { url } = await shop.pages.open((await leave(tab)).href)
    expect(await tab.client.handleRedirect(url.href)).toMatchObject({ kind: 'signed_in' })
  })

  it('the client does not repeat the exchange of a code after a lost response', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const address = await signInAt(shop, await leave(tab))
    shop.browser.faults.push('response lost')
    const result = await tab.client.handleRedirect(address)
    expect(result).toEqual({ kind: 'retry', reason: 'unreachable', returnTo: null })
    expect(grantsOf(shop.browser)).toEqual(['authorization_code'])
    const { url } = await shop.pages.open((await leave(tab)).href)
    expect(await tab.client.handleRedirect(url.href)).toMatchObject({ kind: 'signed_in' })
  })

  it.each([
    ['access_denied', { kind: 'refused', error: 'access_denied' }],
    ['temporarily_unavailable', { kind: 'retry', reason: 'temporarily_unavailable' }],
  ])('the error %s is a result', async (error, expected) => {
    const shop = await openShop()
    const tab = openTab(shop)
    const state = (await leave(tab, { returnTo: '/' })).searchParams.get('state') ?? ''
    const address = `${CALLBACK}?${new URLSearchParams({ error, state, iss: ISSUER })}`
    expect(await tab.client.handleRedirect(address)).toEqual({ ...expected, returnTo: '/' })
  })

  it('prompt=none without a browser session is refused with login_required', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const { url } = await shop.pages.open((await leave(tab, { prompt: 'none' })).href)
    const result = await tab.client.handleRedirect(url.href)
    expect(result).toEqual({ kind: 'refused', error: 'login_required', returnTo: null })
  })

  it('the page does not leave if the browser stores nothing, or if the pushed request fails', async () => {
    const shop = await openShop()
    const full = openTab(shop)
    full.attemptStorage.isFull = true
    await expect(leave(full)).rejects.toMatchObject({ code: 'no_storage', isTemporary: false })
    await full.client.fetch(CART)
    const offline = openTab(shop)
    shop.browser.faults.push('request lost', 'request lost', 'request lost', 'request lost')
    await expect(hurry(leave(offline))).rejects.toMatchObject({ code: 'unreachable', isTemporary: true })
    expect([...full.left, ...offline.left]).toEqual([])
  })

  it('a reload of the sign-in page after the end of the pushed request leads to a new attempt', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    await tab.client.fetch(CART)
    const address = (await leave(tab, { returnTo: '/cart' })).href
    shop.browser.server.clock.time += 60
    const { url } = await shop.pages.open(address)
    const result = await tab.client.handleRedirect(url.href)
    expect(result).toEqual({ kind: 'retry', reason: 'invalid_request_uri', returnTo: '/cart' })
  })

  it('a browser that loses the cookies of the sign-in page shows the form again, and the sign-in continues', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const fields = { Username: shop.user.username, Password: PASSWORD }
    await shop.pages.open((await leave(tab)).href)
    shop.pages.removeCookies()
    expect((await shop.pages.press('Sign in', fields)).url.origin).toBe(ISSUER)
    const { url } = await shop.pages.press('Sign in', fields)
    expect(await tab.client.handleRedirect(url.href)).toMatchObject({ kind: 'signed_in' })
  })

  it('the guest stays if the user cancels', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    const visitor = await subjectOf(await tab.client.fetch(CART))
    await shop.pages.open((await leave(tab)).href)
    const { url } = await shop.pages.press('Cancel')
    const result = await tab.client.handleRedirect(url.href)
    expect(result).toEqual({ kind: 'refused', error: 'access_denied', returnTo: null })
    expect(await subjectOf(await tab.client.fetch(`${API}/cart`))).toBe(visitor)
  })
})

describe('an ID token', () => {
  it('the session has the ID token of the attempt if the scope has openid', async () => {
    const shop = await openShop()
    const tab = openTab(shop, { scope: 'openid cart' })
    const url = await leave(tab)
    await tab.client.handleRedirect(await signInAt(shop, url))
    expect(readClaims(tab.client.session?.idToken ?? '')).toMatchObject({
      sub: shop.user.id,
      aud: url.searchParams.get('client_id'),
      nonce: url.searchParams.get('nonce'),
    })
  })

  it('an ID token with another nonce signs no user in, and its session ends', async () => {
    const shop = await openShop()
    const tab = openTab(shop, { scope: 'openid cart' })
    const address = await signInAt(shop, await leave(tab))
    for (const [key, text] of tab.attemptStorage.items)
      tab.attemptStorage.setItem(key, JSON.stringify({ ...JSON.parse(text), nonce: 'another' }))
    const result = await tab.client.handleRedirect(address)
    expect(result).toEqual({ kind: 'retry', reason: 'invalid_grant', returnTo: null })
    expect(tab.client.session).toBeNull()
    expect(shop.browser.posted.at(-1)?.get('token')).toEqual(expect.any(String))
  })
})

describe('a sign-out by redirect', () => {
  it('the sign-out ends the session and the browser session without a question, and the next sign-in needs the password', async () => {
    const shop = await openShop()
    const tab = openTab(shop, { scope: 'openid cart' })
    await tab.client.handleRedirect(await signInAt(shop, await leave(tab)))
    const { refreshToken } = tab.client.session ?? {}
    await tab.client.signOut({ redirectUri: HOME })
    expect(tab.client.session).toBeNull()
    expect(shop.browser.posted.at(-1)?.get('token')).toBe(refreshToken)
    expect((await shop.pages.open(tab.left.at(-1) ?? '')).url.href).toBe(HOME)
    const { url } = await shop.pages.open((await leave(tab)).href)
    expect(url.origin).toBe(ISSUER)
  })

  it('the token service asks the user if the session has no ID token', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    await tab.client.handleRedirect(await signInAt(shop, await leave(tab)))
    await tab.client.signOut({ redirectUri: HOME })
    expect((await shop.pages.open(tab.left.at(-1) ?? '')).url.origin).toBe(ISSUER)
    expect((await shop.pages.press('Sign out')).url.href).toBe(HOME)
  })

  it('the page stays if the token service does not respond', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    await tab.client.signIn(shop.user.username, PASSWORD)
    shop.browser.faults.push('request lost', 'request lost', 'request lost', 'request lost')
    await expect(hurry(tab.client.signOut({ redirectUri: HOME }))).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect([tab.client.session, tab.left]).toEqual([null, []])
  })
})

describe('the demands of an API for the sign-in (RFC 9470)', () => {
  it('the demands become the request of the sign-in page, and the client does not refresh the token for them', async () => {
    const shop = await openShop()
    const tab = openTab(shop)
    await tab.client.signIn(shop.user.username, PASSWORD)
    shop.browser.server.clock.time += 100
    const response = await tab.client.fetch(ADDRESS)
    const stepUp = readStepUp(response)
    expect([response.status, stepUp]).toEqual([401, { acrValues: 'urn:sallyport:2', maxAgeSeconds: 60 }])
    expect(grantsOf(shop.browser)).toEqual(['password'])
    const url = await leave(tab, stepUp ?? {})
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      acr_values: 'urn:sallyport:2',
      max_age: '60',
    })
  })

  it.each([
    [401, 'Bearer error="invalid_token"', null],
    [403, 'Bearer error="insufficient_user_authentication", max_age="60"', null],
    [401, null, null],
    [401, 'Bearer realm="shop", error="insufficient_user_authentication", max_age=5', { maxAgeSeconds: 5 }],
    [401, 'Bearer error="insufficient_user_authentication", acr_values="a b"', { acrValues: 'a b' }],
    [401, 'Bearer error="insufficient_user_authentication", max_age="0"', { maxAgeSeconds: 0 }],
  ])('the response %s with the challenge %j has the demands %j', (status, challenge, expected) => {
    const headers = challenge === null ? {} : { 'WWW-Authenticate': challenge }
    expect(readStepUp(new Response(null, { status, headers }))).toEqual(expected)
  })
})
