import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { DPOP_ALGORITHMS } from '../../packages/verify/src/dpop_proof.ts'
import { createTestProofKey } from '../../packages/verify/src/test_proof_key.ts'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { Tab, Visitor } from './shop_page.ts'
import { addCustomer, ask, CUSTOMER, storefrontTokens } from './tokens.ts'

const { issuer, shop, storefrontApi, output } = inject('demo')
const PLATFORM = `${shop.replace('localhost', '127.0.0.1')}/ucp-platform/`
const READ_ORDERS = 'dev.ucp.shopping.order:read'
const MANAGE_CART = 'dev.ucp.shopping.cart:manage'

describe('the UCP operations of the storefront API', () => {
  it('the document of the UCP operations names their URL, their scopes and the token service (RFC 9728)', async () => {
    const response = await fetch(`${storefrontApi}/.well-known/oauth-protected-resource/ucp`)
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([200, '*'])
    expect(await response.json()).toEqual({
      resource: `${storefrontApi}/ucp`,
      authorization_servers: [issuer],
      scopes_supported: [READ_ORDERS, MANAGE_CART],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
      resource_name: 'Slow Pour for platforms',
    })
  })

  it('the UCP operations refuse a token of the shop with a message of UCP', async () => {
    const { access_token: token } = await storefrontTokens(CUSTOMER)
    const rest = `scope="${READ_ORDERS}", resource_metadata="${storefrontApi}/.well-known/oauth-protected-resource/ucp"`
    expect(await ask(`${storefrontApi}/ucp/orders`, { token })).toEqual({
      status: 401,
      challenge: `Bearer realm="${issuer}", error="invalid_token", ${rest}, DPoP realm="${issuer}", ${rest}, algs="${DPOP_ALGORITHMS.join(' ')}"`,
      body: {
        ucp: { version: '2026-04-08', status: 'error' },
        messages: [
          {
            type: 'error',
            code: 'identity_required',
            content: 'The user must link their account.',
            severity: 'requires_buyer_review',
          },
        ],
      },
    })
  })
})

describe('the UCP profile of the shop', () => {
  it('the profile at /.well-known/ucp names the operations and the scopes of the identity linking, for every origin', async () => {
    const response = await fetch(`${shop}/.well-known/ucp`)
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([200, '*'])
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=60')
    const version = '2026-04-08'
    const specifications = `https://ucp.dev/${version}`
    expect(await response.json()).toEqual({
      ucp: {
        version,
        services: {
          'dev.ucp.shopping': [
            {
              version,
              spec: `${specifications}/specification/overview`,
              transport: 'rest',
              schema: `${specifications}/services/shopping/rest.openapi.json`,
              endpoint: `${storefrontApi}/ucp`,
            },
          ],
        },
        capabilities: {
          'dev.ucp.common.identity_linking': [
            {
              version,
              spec: `${specifications}/specification/identity-linking`,
              schema: `${specifications}/schemas/common/identity_linking.json`,
              config: { scopes: { [READ_ORDERS]: {}, [MANAGE_CART]: {} } },
            },
          ],
        },
        payment_handlers: {},
      },
    })
  })
})

describe.skipIf(findChromium() === null)('the page of the UCP platform', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
  const shows = (page: Page, message: string) =>
    page.locator('#message').getByText(message, { exact: true }).waitFor()
  const hasAccount = (page: Page, text: string) =>
    expect.poll(() => page.locator('#account').textContent(), { timeout: 30_000 }).toBe(text)

  /** The names of the visible buttons. */
  const buttons = (page: Page) => page.getByRole('button').allInnerTexts()
  const READS = ['Read the orders', 'Read the cart']

  const linkOf = async (page: Page): Promise<Link> =>
    JSON.parse(await page.evaluate<string>("sessionStorage.getItem('ucp-platform:link')"))

  it('a platform links an account, reads the orders, asks for a missing scope, and loses access when it unlinks the account', async () => {
    expect(output).toContain(`UCP platform     ${PLATFORM}\n`)
    const customer = await addCustomer()
    const id = await placeOrder(customer)
    const visitor = await Visitor.arrive(browser)
    const page = await visitor.context.newPage()
    const authorizations: URLSearchParams[] = []
    const profiles: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/.well-known/ucp')) profiles.push(request.url())
      if (request.url().startsWith(`${issuer}/oauth2-token/authorize?`))
        authorizations.push(new URL(request.url()).searchParams)
    })
    await page.goto(PLATFORM)
    await hasAccount(page, 'No account is linked.')
    expect(await buttons(page)).toEqual(['Link the account', ...READS])
    await press(page, 'Read the orders')
    await shows(page, '401 identity_required')
    expect(await buttons(page)).toEqual(['Link the account', ...READS])
    expect(profiles).toEqual([`${shop}/.well-known/ucp`])

    await press(page, 'Link the account')
    await page.waitForURL(`${issuer}/**`)
    await page.getByLabel('Username').fill(customer.username)
    await page.getByLabel('Password', { exact: true }).fill(customer.password)
    await press(page, 'Sign in')
    await page.getByText('View your orders').waitFor()
    await press(page, 'Allow')
    await shows(page, 'The account is linked.')
    await hasAccount(page, 'Linked: orders')
    expect(page.url()).toBe(PLATFORM)
    const first = await linkOf(page)
    await press(page, 'Read the orders')
    await shows(page, '200 OK')
    expect(await buttons(page)).toEqual(['Unlink the account', ...READS])
    expect(await page.locator('#response').innerText()).toContain(id)

    await press(page, 'Read the cart')
    await shows(page, '403 insufficient_scope')
    expect(await new Tab(page).findBarriers()).toEqual([])
    await new Tab(page).screenshot('14-ucp-platform')
    expect(await buttons(page)).toEqual(['Ask for the scope', 'Unlink the account', ...READS])
    await press(page, 'Ask for the scope')
    await press(page, 'Cancel')
    await shows(page, 'The user did not allow the scope.')
    await hasAccount(page, 'Linked: orders')

    await press(page, 'Read the cart')
    await press(page, 'Ask for the scope')
    await page.getByText('View and change your cart').waitFor()
    await page.getByText('View your orders').waitFor()
    await press(page, 'Allow')
    await hasAccount(page, 'Linked: orders, cart')
    // The page has revoked the tokens of the first session.
    expect(await statusOf(first)).toEqual([401, 400])
    const second = await linkOf(page)
    await press(page, 'Read the cart')
    await shows(page, '200 OK')
    expect(JSON.parse(await page.locator('#response').innerText())).toEqual({ lines: [], totalCents: 0 })

    await page.evaluate(
      "sessionStorage.setItem('ucp-platform:link', JSON.stringify({ access_token: 'x', refresh_token: 'x', scope: 'y' }))",
    )
    await press(page, 'Read the orders')
    await shows(page, '401 identity_required')
    await press(page, 'Link the account')
    await press(page, 'Allow')
    await hasAccount(page, 'Linked: cart, orders')
    const third = await linkOf(page)

    await press(page, 'Unlink the account')
    await shows(page, '401 identity_required')
    await hasAccount(page, 'No account is linked.')
    expect(await statusOf(third)).toEqual([401, 400])
    // The test has replaced the second link, so the page could not revoke its tokens.
    expect(await readWithKey(second)).toEqual([200, 401])
    const expected = {
      client_id: 'ucp-platform',
      resource: `${storefrontApi}/ucp`,
      code_challenge_method: 'S256',
    }
    expect(authorizations.map((parameters) => Object.fromEntries(parameters))).toMatchObject([
      { ...expected, scope: READ_ORDERS },
      { ...expected, scope: MANAGE_CART },
      { ...expected, scope: MANAGE_CART },
      { ...expected, scope: READ_ORDERS },
    ])
    expect(await visitor.leave()).toEqual([
      '401: GET /ucp/orders',
      '403: GET /ucp/cart',
      '403: GET /ucp/cart',
      '401: GET /ucp/orders',
      '401: GET /ucp/orders',
    ])
  })

  it.each([
    [
      'another version',
      /"version":"2026-04-08"/,
      '"version":"2026-01-23"',
      'The shop has the UCP version 2026-01-23.',
    ],
    ['no identity linking', /identity_linking"/, 'other"', 'The shop does not link accounts.'],
    [
      'another namespace',
      /https:\/\/ucp\.dev\/[^"]*linking"/,
      'https://evil.test/"',
      'https://evil.test/ does not belong to UCP.',
    ],
    ['fewer scopes', `"${READ_ORDERS}":{},`, '', `The profile lacks the scope ${READ_ORDERS}.`],
  ])('the page refuses a profile with %s', async (_name, part, replacement, message) => {
    const visitor = await Visitor.arrive(browser)
    const page = await visitor.context.newPage()
    await page.route(`${shop}/.well-known/ucp`, async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, body: (await response.text()).replace(part, replacement) })
    })
    await page.goto(PLATFORM)
    await hasAccount(page, 'No account is linked.')
    const isLinked = message.includes('scope')
    await press(page, isLinked ? 'Link the account' : 'Read the orders')
    await shows(page, message)
    expect(page.url()).toBe(PLATFORM)
    expect(await visitor.leave()).toEqual(isLinked ? ['401: GET /ucp/orders'] : [])
  })

  it('the page says that a server does not respond', async () => {
    const visitor = await Visitor.arrive(browser)
    const page = await visitor.context.newPage()
    await page.goto(PLATFORM)
    await page.route(`${storefrontApi}/**`, (route) => route.abort())
    await press(page, 'Link the account')
    await shows(page, 'A server does not respond.')
    expect(await visitor.leave()).toEqual(['failed: GET /ucp/orders'])
  })

  it('the page refuses a response of another issuer, of another attempt, and of a user who cancels (RFC 9207)', async () => {
    const visitor = await Visitor.arrive(browser)
    const page = await visitor.context.newPage()
    // The page reads the orders to find the token service.
    const start = async (): Promise<void> => {
      await press(page, 'Link the account')
      await page.waitForURL(`${issuer}/**`)
    }
    await page.goto(PLATFORM)
    await start()
    await page.goto(`${PLATFORM}?code=x&state=y&iss=${encodeURIComponent(issuer)}`)
    await shows(page, 'The response is not for this attempt.')

    let state = ''
    page.on('request', (request) => {
      if (request.url().startsWith(`${issuer}/oauth2-token/authorize?`))
        state = new URL(request.url()).searchParams.get('state') ?? ''
    })
    await start()
    await page.goto(`${PLATFORM}?code=x&state=${state}&iss=https://evil.test`)
    await shows(page, 'The response is from another issuer (RFC 9207).')

    await start()
    await press(page, 'Cancel')
    await shows(page, 'The account is not linked: access_denied.')
    await hasAccount(page, 'No account is linked.')
    // The test leaves the sign-in page while the page loads its icon.
    const complaints = (await visitor.leave()).filter((complaint) => !complaint.endsWith('/icon.svg'))
    expect(complaints).toEqual(Array(3).fill('401: GET /ucp/orders'))
  })
})

interface Link {
  access_token: string
  refresh_token: string
}

/** The status of a read with the access token of a link, then that of its refresh. */
async function statusOf({ access_token: token, refresh_token }: Link): Promise<number[]> {
  const read = await ask(`${storefrontApi}/ucp/orders`, { token })
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'ucp-platform', refresh_token })
  const refresh = await fetch(`${issuer}/oauth2-token`, { method: 'POST', body })
  return [read.status, refresh.status]
}

/**
 * Binds the tokens of a link to a key.
 *
 * @returns The status of a read with a proof of the key (RFC 9449), and of a read with the bound token alone
 */
async function readWithKey({ refresh_token }: Link): Promise<number[]> {
  const key = await createTestProofKey()
  const [server, orders] = [`${issuer}/oauth2-token`, `${storefrontApi}/ucp/orders`]
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'ucp-platform', refresh_token })
  const headers = { DPoP: await key.prove({ method: 'POST', url: server }) }
  const refresh = await fetch(server, { method: 'POST', headers, body })
  const { access_token: token } = (await refresh.json()) as Link
  const read = await fetch(await key.authorize(new Request(orders), token))
  return [read.status, (await ask(orders, { token })).status]
}

/** Places an order in the shop. @returns The id of the order */
async function placeOrder(customer: typeof CUSTOMER): Promise<string> {
  const { access_token: token } = await storefrontTokens(customer)
  const put = { token, method: 'PUT' }
  await ask(`${storefrontApi}/cart/mug`, { ...put, body: { quantity: 1 } })
  const id = randomUUID()
  const { status } = await ask(`${storefrontApi}/orders/${id}`, { ...put, body: { totalCents: 2200 } })
  expect(status).toBe(200)
  return id
}
