import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClientValues } from '../../src/clients/client_values.ts'
import { en } from '../../src/pages/languages/en.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import type { PageBrowser } from '../support/page_browser.ts'
import { STOREFRONT_AUDIENCE, type TestClient, TestServer, type TokenResponse } from '../support/server.ts'

const ORDERS = 'dev.ucp.shopping.order:read'
const CHECKOUT = 'dev.ucp.shopping.checkout:manage'
const CART = 'dev.ucp.shopping.cart:manage'
const TEXTS = { [ORDERS]: 'Read your orders', [CHECKOUT]: 'Buy for you', [CART]: 'Change your cart' }

const config = {
  accounts: { customers: { self_service: true } },
  apis: {
    shopping: {
      audience: STOREFRONT_AUDIENCE,
      users: 'customers',
      agents: true,
      scopes: Object.keys(TEXTS),
      scope_texts: TEXTS,
      branding: { name: 'Slow Pour' },
    },
  },
}

/** The texts of each list of scopes on the page, after the label of the list. */
function shownScopes({ page: { html } }: PageBrowser): string[][] {
  return [...html.matchAll(/<p(?: class="group")?>([^<]*)<\/p><ul class="scopes">(.*?)<\/ul>/gs)].map(
    ([, label = '', list = '']) => [
      label,
      ...[...list.matchAll(/<li>(?:<span[^>]*>)?([^<]*)/g)].map(([, text = '']) => text),
    ],
  )
}

const { scopes: ACCESS, newScopes: NEW, earlierScopes: EARLIER } = en.consent

const scopeOf = ({ access_token }: TokenResponse) => decodeJwt(access_token).scope

describe('a step-up of scopes', () => {
  const server = new TestServer({ config })
  let platform: TestClient

  const addPlatform = (changes: Partial<ClientValues> = {}) =>
    server.addClient({
      ...CODE_CLIENT,
      api: 'shopping',
      isFirstParty: false,
      name: 'Platform',
      incrementalScopes: true,
      ...changes,
    })

  beforeAll(async () => {
    platform = await addPlatform()
  })

  /** A browser whose user allowed the client the scope. */
  async function allowed(client: TestClient, scope: string) {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, { scope }))
    await signInAt(browser, (await server.addUser()).username)
    return { browser, tokens: await allow(browser, client) }
  }

  async function allow(browser: PageBrowser, client: TestClient): Promise<TokenResponse> {
    await browser.press('Allow')
    return exchange(browser, client)
  }

  const exchange = ({ page }: PageBrowser, client: TestClient) =>
    server.requireTokens(exchangeOf(client, page.url.searchParams.get('code')))

  it('the page lists the new and the earlier scopes, and the new tokens have both (U14)', async () => {
    const { browser, tokens } = await allowed(platform, ORDERS)
    expect(tokens.scope).toBe(ORDERS)
    await browser.open(authorizeUrl(platform, { scope: CHECKOUT }))
    expect(shownScopes(browser)).toEqual([
      [NEW, TEXTS[CHECKOUT]],
      [EARLIER, TEXTS[ORDERS]],
    ])
    const more = await allow(browser, platform)
    expect(more.scope).toBe(`${ORDERS} ${CHECKOUT}`)
    expect(scopeOf(more)).toBe(`${ORDERS} ${CHECKOUT}`)
    expect(scopeOf(await server.refresh(platform, more.refresh_token))).toBe(`${ORDERS} ${CHECKOUT}`)
    expect(scopeOf(await server.refresh(platform, tokens.refresh_token))).toBe(ORDERS)
    await browser.open(authorizeUrl(platform, { scope: CHECKOUT, prompt: 'none' }))
    expect((await exchange(browser, platform)).scope).toBe(`${ORDERS} ${CHECKOUT}`)
  })

  it('a request for the earlier and the new scopes gives both, also without incremental_scopes (M11)', async () => {
    const agent = await addPlatform({ incrementalScopes: false })
    const { browser } = await allowed(agent, ORDERS)
    await browser.open(authorizeUrl(agent, { scope: CHECKOUT }))
    expect(shownScopes(browser)).toEqual([[ACCESS, TEXTS[CHECKOUT]]])
    await browser.open(authorizeUrl(agent, { scope: `${CART} ${CHECKOUT} ${ORDERS}` }))
    expect(shownScopes(browser)).toEqual([
      [NEW, TEXTS[CHECKOUT], TEXTS[CART]],
      [EARLIER, TEXTS[ORDERS]],
    ])
    await browser.open(authorizeUrl(agent, { scope: `${ORDERS} ${CHECKOUT}` }))
    expect((await allow(browser, agent)).scope).toBe(`${ORDERS} ${CHECKOUT}`)
  })

  it('a refused step-up changes nothing, and the earlier scopes stay allowed', async () => {
    const { browser, tokens } = await allowed(platform, ORDERS)
    await browser.open(authorizeUrl(platform, { scope: CHECKOUT }))
    await browser.press('Cancel')
    expect(browser.page.url.searchParams.get('error')).toBe('access_denied')
    expect(scopeOf(await server.refresh(platform, tokens.refresh_token))).toBe(ORDERS)
    await browser.open(authorizeUrl(platform, { scope: ORDERS, prompt: 'none' }))
    expect((await exchange(browser, platform)).scope).toBe(ORDERS)
  })

  it('the earlier scopes are those of the user who signs in, and not those of another user of the browser', async () => {
    const { browser } = await allowed(platform, ORDERS)
    await browser.open(authorizeUrl(platform, { scope: CHECKOUT, prompt: 'login' }))
    await signInAt(browser, (await server.addUser()).username)
    expect(shownScopes(browser)).toEqual([[ACCESS, TEXTS[CHECKOUT]]])
    expect((await allow(browser, platform)).scope).toBe(CHECKOUT)
  })

  it('a scope that the client lost is not added again', async () => {
    const client = await addPlatform()
    const { browser } = await allowed(client, `${ORDERS} ${CART}`)
    const conditions = { versions: null, now: server.clock.time }
    await server.services.clientAdmin.change(client.id, { scopes: [ORDERS, CHECKOUT] }, conditions, [])
    await server.services.clients.renewCopy(client.id, server.context())
    await browser.open(authorizeUrl(client, { scope: CHECKOUT }))
    expect(shownScopes(browser)).toEqual([
      [NEW, TEXTS[CHECKOUT]],
      [EARLIER, TEXTS[ORDERS]],
    ])
    expect((await allow(browser, client)).scope).toBe(`${ORDERS} ${CHECKOUT}`)
  })

  it('a withdrawal on the account page ends all sessions under the consent, and the next request adds no earlier scope', async () => {
    const { browser, tokens } = await allowed(platform, ORDERS)
    await browser.open(authorizeUrl(platform, { scope: CHECKOUT }))
    const more = await allow(browser, platform)
    await browser.open(authorizeUrl(platform, { scope: CART }))
    const open = browser.page
    const { html } = await browser.open('https://id.shop.test/account/customers/applications')
    expect(shownScopes(browser)).toEqual([['Access to: Slow Pour', TEXTS[ORDERS], TEXTS[CHECKOUT]]])
    expect(html).toContain('app.test')
    await browser.press('Withdraw access')
    for (const { refresh_token } of [tokens, more])
      await expect(server.refresh(platform, refresh_token)).rejects.toThrow('invalid_grant')
    // The form was open during the withdrawal.
    browser.show(open)
    server.clock.time += 10
    expect((await allow(browser, platform)).scope).toBe(CART)
    await browser.open(authorizeUrl(platform, { scope: CART, prompt: 'none' }))
    expect((await exchange(browser, platform)).scope).toBe(CART)
  })
})
