import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import {
  ADMIN,
  ask,
  backofficeTokens,
  CLERK,
  CUSTOMER,
  GUEST,
  operatorOf,
  requestTokens,
  SHOP,
  storefrontTokens,
} from './tokens.ts'

const { issuer, storefrontApi, backofficeApi, shop, state, output } = inject('demo')
const partnerApp = shop.replace('localhost', '127.0.0.1')

/** The refusal of an operation that requires a scope. The storefront API also names its issuer and its document (RFC 9728). */
function refusalOf(api: string, status: number, { error, scope }: { error: string; scope: string }) {
  const isStorefront = api === storefrontApi
  const parameters = [
    `realm="${isStorefront ? issuer : 'sallyport'}"`,
    ...(error === 'missing_token' ? [] : [`error="${error}"`]),
    `scope="${scope}"`,
    ...(isStorefront ? [`resource_metadata="${api}/.well-known/oauth-protected-resource"`] : []),
  ]
  return { status, challenge: `Bearer ${parameters.join(', ')}`, body: { error } }
}
const invalidToken = (api: string, scope: string) => refusalOf(api, 401, { error: 'invalid_token', scope })
const needsScope = (api: string, scope: string) => refusalOf(api, 403, { error: 'insufficient_scope', scope })

describe('npm run demo --state', () => {
  it('the demo prints the directory of its data and does not name npm run reset, which would not remove it', () => {
    expect(output).toContain(`Their data stays in ${state}.`)
    expect(output).not.toContain('npm run reset')
  })

  it('the demo prints the address of the console and its operator, who can sign in', async () => {
    expect(output).toContain(`console          ${issuer}/console\n`)
    const client = { client_id: 'sallyport-cli', grant_type: 'password' }
    expect(await requestTokens({ ...client, ...operatorOf(output) })).toMatchObject({ token_type: 'Bearer' })
  })
})

describe('the two APIs', () => {
  it('each API refuses the tokens of the other API', async () => {
    const customer = await storefrontTokens(CUSTOMER)
    const admin = await backofficeTokens(ADMIN)
    const machine = await requestTokens({
      client_id: 'storefront-demo',
      client_secret: 'storefront-demo-secret',
      grant_type: 'client_credentials',
    })
    const atBackoffice = invalidToken(backofficeApi, 'orders')
    const atStorefront = invalidToken(storefrontApi, 'orders')
    expect(await ask(`${backofficeApi}/orders`, { token: customer.access_token })).toEqual(atBackoffice)
    expect(await ask(`${backofficeApi}/orders`, { token: machine.access_token })).toEqual(atBackoffice)
    expect(await ask(`${storefrontApi}/orders`, { token: admin.access_token })).toEqual(atStorefront)
    expect((await ask(`${storefrontApi}/orders`, { token: customer.access_token })).status).toBe(200)
    expect((await ask(`${backofficeApi}/orders`, { token: admin.access_token })).status).toBe(200)
  })

  it('the APIs refuse a missing token, a refresh token and garbage', async () => {
    const { refresh_token } = await storefrontTokens(CUSTOMER)
    for (const [api, path, scope] of [
      [storefrontApi, '/cart', 'cart'],
      [backofficeApi, '/customers', 'users'],
    ] as const) {
      expect(await ask(api + path)).toEqual(refusalOf(api, 401, { error: 'missing_token', scope }))
      for (const token of [refresh_token, 'garbage'])
        expect(await ask(api + path, { token })).toEqual(invalidToken(api, scope))
    }
  })

  it('a page of any origin can read which token service and scopes the storefront API names (RFC 9728)', async () => {
    const response = await fetch(`${storefrontApi}/.well-known/oauth-protected-resource`)
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([200, '*'])
    expect(await response.json()).toEqual({
      resource: `${issuer}/storefront`,
      authorization_servers: [issuer],
      scopes_supported: ['cart', 'orders', 'catalog'],
      bearer_methods_supported: ['header'],
      resource_name: 'Slow Pour storefront',
    })
  })

  it('the APIs let only the page of the shop read their responses, and the storefront API also the partner app', async () => {
    for (const api of [storefrontApi, backofficeApi]) {
      const partner = api === storefrontApi ? partnerApp : null
      const originFor = async (origin: string) =>
        (await fetch(`${api}/orders`, { headers: { Origin: origin } })).headers.get(
          'Access-Control-Allow-Origin',
        )
      expect([await originFor(shop), await originFor(partnerApp)]).toEqual([shop, partner])
      expect(await originFor('https://evil.test')).toBeNull()
    }
  })
})

describe('the storefront API', () => {
  it('the catalog is for guests and customers', async () => {
    for (const who of [GUEST, CUSTOMER]) {
      const { access_token } = await storefrontTokens(who)
      const { status, body } = await ask(`${storefrontApi}/catalog`, { token: access_token })
      expect(status).toBe(200)
      expect(body).toMatchObject({
        products: expect.arrayContaining([expect.objectContaining({ sku: 'kettle' })]),
      })
    }
  })

  it('each guest has a cart, and visitor_id moves it once', async () => {
    const put = (token: string, sku: string, quantity: number) =>
      ask(`${storefrontApi}/cart/${sku}`, { token, method: 'PUT', body: { quantity } })
    const guest = await storefrontTokens(GUEST)
    const stranger = await storefrontTokens(GUEST)
    await put(guest.access_token, 'mug', 2)
    await put(guest.access_token, 'mug', 2)
    expect((await ask(`${storefrontApi}/cart`, { token: stranger.access_token })).body).toEqual({
      lines: [],
      totalCents: 0,
    })
    const customer = await storefrontTokens({ ...CUSTOMER, visitor_access_token: guest.access_token })
    await put(customer.access_token, 'mug', 0)
    const merged = await put(customer.access_token, 'kettle', 1)
    expect(merged.body).toMatchObject({ lines: [{ sku: 'kettle', quantity: 1 }], totalCents: 7900 })

    const next = await storefrontTokens(GUEST)
    await put(next.access_token, 'mug', 3)
    const again = await storefrontTokens({ ...CUSTOMER, visitor_access_token: next.access_token })
    for (let i = 0; i < 2; i++) {
      expect((await ask(`${storefrontApi}/cart`, { token: again.access_token })).body).toMatchObject({
        lines: [
          { sku: 'kettle', quantity: 1 },
          { sku: 'mug', quantity: 3 },
        ],
        totalCents: 7900 + 6600,
      })
    }
    for (const sku of ['kettle', 'mug']) await put(again.access_token, sku, 0)
  })

  it.each([
    ['a broken quantity', 'mug', { quantity: 1.5 }, 400, 'quantity_must_be_0_to_99'],
    ['too many', 'mug', { quantity: 100 }, 400, 'quantity_must_be_0_to_99'],
    ['no quantity', 'mug', {}, 400, 'quantity_must_be_0_to_99'],
    ['nothing', 'mug', null, 400, 'quantity_must_be_0_to_99'],
    ['an unknown product', 'sofa', { quantity: 1 }, 404, 'no_such_product'],
  ])('a change of the cart is refused: %s', async (_name, sku, body, status, error) => {
    const { access_token: token } = await storefrontTokens(GUEST)
    const response = await ask(`${storefrontApi}/cart/${sku}`, { token, method: 'PUT', body })
    expect([response.status, response.body]).toEqual([status, { error }])
  })

  it('an order is refused if its token is revoked before the body arrives', async () => {
    const { access_token, refresh_token } = await storefrontTokens(CUSTOMER)
    const headers = { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' }
    const sending = request(`${storefrontApi}/orders/${randomUUID()}`, { method: 'PUT', headers })
    const status = new Promise((resolve, reject) => {
      sending.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject)
    })
    sending.write('{"totalCents":')
    // In this time an API that does not wait for the body has verified the token.
    await wait(1000)
    const body = new URLSearchParams({ ...SHOP, token: refresh_token })
    expect((await fetch(`${issuer}/oauth2-token/revoke`, { method: 'POST', body })).status).toBe(200)
    sending.end('2900}')
    expect(await status).toBe(401)
  })

  it('a body over the limit is refused with 413', async () => {
    const { access_token: token } = await storefrontTokens(CUSTOMER)
    const body = { quantity: 1, note: 'x'.repeat(1024) }
    const { status, body: refusal } = await ask(`${storefrontApi}/cart/mug`, { token, method: 'PUT', body })
    expect([status, refusal]).toEqual([413, { error: 'the_body_is_too_large' }])
  })

  it('only customers can order, and a repeated order is placed once', async () => {
    const guest = await storefrontTokens(GUEST)
    const url = `${storefrontApi}/orders/${randomUUID()}`
    expect(await ask(url, { token: guest.access_token, method: 'PUT' })).toEqual(
      needsScope(storefrontApi, 'orders'),
    )
    const machine = await requestTokens({
      client_id: 'storefront-demo',
      client_secret: 'storefront-demo-secret',
      grant_type: 'client_credentials',
    })
    const refusal = await ask(url, { token: machine.access_token, method: 'PUT' })
    expect([refusal.status, refusal.body]).toEqual([403, { error: 'not_a_customer' }])

    const { access_token: token } = await storefrontTokens(CUSTOMER)
    const order = { token, method: 'PUT', body: { totalCents: 2900 } }
    const empty = await ask(url, order)
    expect([empty.status, empty.body]).toEqual([409, { error: 'the_cart_changed' }])
    const withoutTotal = await ask(url, { ...order, body: {} })
    expect([withoutTotal.status, withoutTotal.body]).toEqual([400, { error: 'the_total_is_missing' }])
    await ask(`${storefrontApi}/cart/beans`, { token, method: 'PUT', body: { quantity: 2 } })
    const dearer = await ask(url, { ...order, body: { totalCents: 2800 } })
    expect([dearer.status, dearer.body]).toEqual([409, { error: 'the_cart_changed' }])
    const placed = await ask(url, order)
    expect([placed.status, placed.body]).toMatchObject([
      200,
      { totalCents: 2900, lines: [{ sku: 'beans', quantity: 2 }] },
    ])
    const cart = await ask(`${storefrontApi}/cart/filters`, { token, method: 'PUT', body: { quantity: 1 } })
    expect(await ask(url, order)).toEqual(placed)
    expect((await ask(`${storefrontApi}/cart`, { token })).body).toEqual(cart.body)
    await ask(`${storefrontApi}/cart/filters`, { token, method: 'PUT', body: { quantity: 0 } })
  })

  it('the storefront API refuses an order right after the sign-out of the customer', async () => {
    const tokens = await storefrontTokens(CUSTOMER)
    const order = { token: tokens.access_token, method: 'PUT', body: { totalCents: 1 } }
    const url = `${storefrontApi}/orders/${randomUUID()}`
    expect((await ask(url, order)).status).toBe(409)
    const body = new URLSearchParams({ ...SHOP, token: tokens.refresh_token })
    await fetch(`${issuer}/oauth2-token/revoke`, { method: 'POST', body })
    expect(await ask(url, order)).toEqual(invalidToken(storefrontApi, 'orders'))
  })

  it('the address of an order needs a token of two factors, and the challenge names the demands (RFC 9470 §3)', async () => {
    const { access_token: token } = await storefrontTokens(CUSTOMER)
    const refused = await ask(`${storefrontApi}/orders/${randomUUID()}/address`, { token })
    expect([refused.status, refused.body]).toEqual([401, { error: 'insufficient_user_authentication' }])
    expect(refused.challenge).toContain(
      'error="insufficient_user_authentication", acr_values="urn:sallyport:2", max_age="600"',
    )
  })

  it('an order includes the guest’s cart lines before the customer has read the cart', async () => {
    const guest = await storefrontTokens(GUEST)
    const line = { method: 'PUT', body: { quantity: 1 } }
    await ask(`${storefrontApi}/cart/scale`, { ...line, token: guest.access_token })
    const customer = await storefrontTokens({ ...CUSTOMER, visitor_access_token: guest.access_token })
    const order = { token: customer.access_token, method: 'PUT', body: { totalCents: 5400 } }
    const { body } = await ask(`${storefrontApi}/orders/${randomUUID()}`, order)
    expect(body).toMatchObject({ totalCents: 5400, lines: [{ sku: 'scale', quantity: 1 }] })
  })
})

describe('the back-office API', () => {
  it('staff can read customers and orders, and only an admin can change an order', async () => {
    const clerk = (await backofficeTokens(CLERK)).access_token
    const admin = (await backofficeTokens(ADMIN)).access_token
    for (const token of [clerk, admin]) {
      expect((await ask(`${backofficeApi}/customers`, { token })).body).toMatchObject({
        customers: [{ name: 'Amanda Cole' }, { name: 'Birgit Lund' }, { name: 'Chidi Okafor' }],
      })
    }
    const change = { method: 'PATCH', body: { status: 'packed' } }
    const refusal = await ask(`${backofficeApi}/orders/o3`, { ...change, token: clerk })
    expect([refusal.status, refusal.body]).toEqual([403, { error: 'role_required', roles: ['admin'] }])
    const changed = await ask(`${backofficeApi}/orders/o3`, { ...change, token: admin })
    expect([changed.status, changed.body]).toMatchObject([200, { id: 'o3', status: 'packed' }])
    const unknown = await ask(`${backofficeApi}/orders/o9`, { ...change, token: admin })
    expect([unknown.status, unknown.body]).toEqual([404, { error: 'no_such_order' }])
    const broken = await ask(`${backofficeApi}/orders/o3`, {
      method: 'PATCH',
      body: { status: 'lost' },
      token: admin,
    })
    expect([broken.status, broken.body]).toEqual([400, { error: 'no_such_status' }])
  })

  it('a machine client with the scope but without a role is refused', async () => {
    const { access_token: token } = await backofficeTokens({ grant_type: 'client_credentials' })
    const { status, body } = await ask(`${backofficeApi}/orders`, { token })
    expect([status, body]).toEqual([403, { error: 'role_required', roles: ['clerk', 'admin'] }])
  })
})

describe('the shop', () => {
  it.each([
    ['the shop', '/', 'Slow Pour · coffee and tea ware'],
    ['the partner app', '/partner/', 'Partner app'],
    ['the UCP platform', '/ucp-platform/', 'UCP platform'],
  ])('the page of %s has the shared head once, before its title', async (_name, path, title) => {
    const response = await fetch(shop + path)
    const html = await response.text()
    expect([response.status, response.headers.get('ETag')]).toEqual([200, null])
    const [, head = ''] = /<head>([\s\S]*)<\/head>/.exec(html) ?? []
    const tags = [...head.matchAll(/<(meta charset|meta name="[^"]*"|link rel="icon"|title>[^<]*|script)/g)]
    expect(tags.map(([, tag]) => tag)).toEqual([
      'meta charset',
      'meta name="viewport"',
      'meta name="color-scheme"',
      'link rel="icon"',
      `title>${title}`,
      'script',
    ])
    expect(head.split('href="/style.css"')).toHaveLength(2)
    const icon = await fetch(`${shop}/icon.svg`)
    expect([icon.status, icon.headers.get('Content-Type')]).toEqual([200, 'image/svg+xml'])
  })

  it('the shop’s policy allows only its own scripts and connections to the services', async () => {
    const response = await fetch(`${shop}/services.json`)
    const addresses = { shop: `${shop}/`, partnerApp: `${partnerApp}/` }
    expect(await response.json()).toEqual({ issuer, storefrontApi, backofficeApi, ...addresses })
    const page = await fetch(shop)
    expect(page.headers.get('Content-Security-Policy')).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${shop} ${issuer} ${storefrontApi} ${backofficeApi}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
  })
})
