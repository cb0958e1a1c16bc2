import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { STOREFRONT_AUDIENCE, type TestClient, TestServer } from '../support/server.ts'

const ORDERS = 'dev.ucp.shopping.order:read'
const CHECKOUT = 'dev.ucp.shopping.checkout:manage'
const SHOPPING_AUDIENCE = 'https://shop.test/ucp'

/** Two APIs of one pool, of which one is for agents, and an API of another pool. */
const APIS = {
  storefront: {
    audience: STOREFRONT_AUDIENCE,
    users: 'customers',
    guests: true,
    scopes: ['cart'],
    guest_scopes: ['cart'],
  },
  shopping: {
    audience: SHOPPING_AUDIENCE,
    users: 'customers',
    agents: true,
    scopes: [ORDERS, CHECKOUT],
    scope_texts: { [ORDERS]: 'Read your orders', [CHECKOUT]: 'Buy for you' },
  },
}

const NEEDS_PKCE = 'The client needs PKCE: send code_challenge with the method S256.'

describe('an API with agents', () => {
  const server = new TestServer({ config: { apis: APIS } })
  let client: TestClient
  let subject: string

  beforeAll(async () => {
    const fields = { confidential: true, requiresPkce: false, api: 'shopping', scopes: [ORDERS] }
    client = await server.addClient({ ...CODE_CLIENT, ...fields })
    subject = (await server.addUser()).id
  })

  it('a client of an API with agents needs PKCE at each endpoint (RFC 7636)', async () => {
    const browser = browserOf(server)
    const none = { code_challenge: undefined, code_challenge_method: undefined }
    const { searchParams } = (await browser.open(authorizeUrl(client, none))).url
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'invalid_request',
      error_description: NEEDS_PKCE,
    })
    const pushed = { response_type: 'code', client_id: client.id, client_secret: client.secret }
    const push = await server.postJson(pushed, {}, '/oauth2-token/par')
    expect(push.status).toBe(400)
    expect(await push.json()).toEqual({ error: 'invalid_request', error_description: NEEDS_PKCE })
    const code = await newCode(server, client, subject, { api: 'shopping', scope: [ORDERS], challenge: null })
    const exchange = await server.postJson(exchangeOf(client, code, { code_verifier: undefined }))
    expect(exchange.status).toBe(400)
    expect(await exchange.json()).toMatchObject({ error: 'invalid_grant' })
  })
})
