import { beforeAll, describe, expect, it } from 'vitest'
import { en } from '../../src/pages/languages/en.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  signInAt,
} from '../support/authorize.ts'
import { CUSTOMER_PLACES } from '../support/customer_places.ts'
import type { PageBrowser } from '../support/page_browser.ts'
import { ISSUER, type TestClient, TestServer } from '../support/server.ts'

const APP = 'com.example.app://callback'

describe.each(CUSTOMER_PLACES)('the consent of a user, with customers in $name', ({ config }) => {
  const server = new TestServer({ config })
  let shop: TestClient
  let partner: TestClient
  let username: string

  beforeAll(async () => {
    shop = await server.addClient(CODE_CLIENT)
    partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner' })
    username = (await server.addUser()).username
  })

  /** A browser in which the user signed in for the shop. */
  async function signedIn(name = username): Promise<PageBrowser> {
    const browser = browserOf(server)
    await authorize(server, shop, { username: name, browser })
    return browser
  }

  const silentError = async (browser: PageBrowser, client: TestClient, changes = {}) => {
    const { url } = await browser.open(authorizeUrl(client, { ...changes, prompt: 'none' }))
    return url.searchParams.get('error')
  }

  it('a consent is of one user: another user of the browser is asked', async () => {
    const browser = await signedIn()
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    const { url } = await browser.press('Allow')
    await server.requireTokens(exchangeOf(partner, url.searchParams.get('code')))
    expect(await silentError(browser, partner, { scope: 'cart' })).toBeNull()
    const other = await signedIn((await server.addUser()).username)
    expect(await silentError(other, partner, { scope: 'cart' })).toBe('consent_required')
  })

  it('a refused consent sends access_denied to the client, and the page asks again', async () => {
    const other = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const browser = await signedIn()
    await browser.open(authorizeUrl(other))
    const { url } = await browser.press('Cancel')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The user did not allow the access.',
      state: 'st',
      iss: ISSUER,
    })
    expect(await silentError(browser, other)).toBe('consent_required')
  })

  it('a consent that no exchange stored is asked again, and a consent form can be posted twice', async () => {
    const other = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const browser = await signedIn()
    const page = await browser.open(authorizeUrl(other))
    await browser.press('Allow')
    expect(await silentError(browser, other)).toBe('consent_required')
    browser.show(page)
    const { url } = await browser.press('Allow')
    await server.requireTokens(exchangeOf(other, url.searchParams.get('code')))
    expect(await silentError(browser, other)).toBeNull()
  })

  it('a consent to a loopback address holds for each port, and the page is still shown', async () => {
    const redirectUris = ['http://127.0.0.1/callback']
    const native = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, redirectUris })
    const browser = await signedIn()
    const at = (port: number) => ({ redirect_uri: `http://127.0.0.1:${port}/callback` })
    expect(await silentError(browser, native, at(50001))).toBe('consent_required')
    await browser.open(authorizeUrl(native, at(50001)))
    const { url } = await browser.press('Allow')
    await server.requireTokens(exchangeOf(native, url.searchParams.get('code'), at(50001)))
    expect(await silentError(browser, native, at(50002))).toBe('interaction_required')
  })

  it('the page warns of a third-party client whose redirect URI is on the device, also if it has others', async () => {
    const local = 'http://127.0.0.1:50001/callback'
    const fields = { ...CODE_CLIENT, redirectUris: [CALLBACK, 'http://127.0.0.1/callback'] }
    const thirdParty = await server.addClient({ ...fields, isFirstParty: false })
    const own = await server.addClient(fields)
    const browser = await signedIn()
    const warns = async (client: TestClient, redirect_uri: string) =>
      (await browser.open(authorizeUrl(client, { redirect_uri, prompt: 'consent' }))).html.includes(
        `<p class="note warn">${en.consent.onDevice}</p>`,
      )
    expect(await warns(thirdParty, local)).toBe(true)
    expect(await warns(thirdParty, CALLBACK)).toBe(false)
    expect(await warns(own, local)).toBe(false)
  })

  it('the page shortens a long name, and its links do not repeat the name', async () => {
    const name = 'Agent '.repeat(33).trim()
    const links = { policyUri: 'https://agent.example/privacy', tosUri: 'https://agent.example/terms' }
    const client = await server.addClient({ ...CODE_CLIENT, ...links, isFirstParty: false, name })
    const browser = await signedIn()
    const { html } = await browser.open(authorizeUrl(client, { scope: 'cart' }))
    expect(html).toContain(`<h1>${en.consent.question(`${name.slice(0, 59)}…`)}</h1>`)
    expect(html.split('Agent')).toHaveLength(11)
    for (const label of [en.consent.privacy, en.consent.terms]) expect(html).toContain(`>${label}</a>`)
  })

  it('the page of an API without scopes says that the client gets all rights of the account', async () => {
    const operator = await server.addUser({ pool: 'operators', roles: ['admin'] })
    const redirectUris = ['http://127.0.0.1/callback']
    const program = { ...CODE_CLIENT, api: 'admin', scopes: [], name: 'Program', redirectUris }
    const client = await server.addClient({ ...program, isFirstParty: false })
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, { scope: '', redirect_uri: 'http://127.0.0.1:50001/callback' }))
    const { html } = await signInAt(browser, operator.username)
    expect(html).toContain(`<p>${en.consent.everything('admin')}</p>`)
    expect(html).not.toContain('class="scopes"')
  })

  it('a client with the scheme of an app needs the button, and the page shows the whole address', async () => {
    const app = await server.addClient({ ...CODE_CLIENT, redirectUris: [APP] })
    const changes = { redirect_uri: APP }
    const browser = browserOf(server)
    await browser.open(authorizeUrl(app, changes))
    const page = await signInAt(browser, username)
    expect(page.html).toContain(`${en.consent.returnTo}<strong class="host">${APP}</strong>`)
    expect(page.headers.get('Content-Security-Policy')).not.toContain('form-action')
    const { url } = await browser.press('Allow')
    expect(url.href).toMatch(`${APP}?code=`)
    const tokens = exchangeOf(app, url.searchParams.get('code'), changes)
    await server.requireTokens(tokens)
    expect(await silentError(browser, app, changes)).toBe('interaction_required')
  })
})
