import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { EVENTS_PER_MINUTE } from '../../src/audit/audit_budget.ts'
import { asserted, newKey, signAssertion } from '../support/assertions.ts'
import { authorizeUrl, browserOf, CALLBACK, CHALLENGE, exchangeOf, signInAt } from '../support/authorize.ts'
import { AGENT_CONFIG, newDocument } from '../support/client_documents.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const PAR = '/oauth2-token/par'
const INTROSPECT = '/oauth2-token/introspect'
const HERE = { 'CF-Connecting-IP': '198.51.100.1' }

/** A binding without a limit, so that the test measures the budget of one isolate. */
const OPEN = { AUDIT_LIMIT: { limit: async () => ({ success: true }) } }

/** A document with a key, and the parameters of its assertion. */
async function setUp() {
  const server = new TestServer({ config: AGENT_CONFIG, env: OPEN })
  const key = await newKey()
  const changes = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }
  const agent = await newDocument(server, { changes })
  return { server, agent, proof: asserted(await signAssertion(agent.url, key, server.clock.time)) }
}

describe('a document with keys, which anyone can publish', () => {
  beforeEach(emptyStores)

  it('its client introspects its own tokens, and no token of another client of the API', async () => {
    const { server, agent, proof } = await setUp()
    const browser = browserOf(server)
    await browser.open(authorizeUrl(agent.client))
    const { username } = await server.addUser()
    await signInAt(browser, username)
    const { url } = await browser.press('Allow')
    const exchange = exchangeOf(agent.client, url.searchParams.get('code'))
    const own = await server.requireTokens({ ...exchange, ...proof })
    const shop = await server.addClient({ api: 'storefront', scopes: ['cart'] })
    const foreign = await server.signIn(shop, username)
    const introspect = async (token: string) =>
      (await server.postJson({ token, ...proof }, {}, INTROSPECT)).json()
    expect(await introspect(own.access_token)).toMatchObject({ active: true, client_id: agent.url })
    expect(await introspect(foreign.access_token)).toEqual({ active: false })
  })

  it('a flood of unknown client ids does not refuse the first sign-in to its client', async () => {
    const { server, agent } = await setUp()
    const unknown = (i: number) => ({ grant_type: 'client_credentials', client_id: `unknown-${i}` })
    await Promise.all(Array.from({ length: 60 }, (_, i) => server.postJson(unknown(i))))
    expect((await server.postJson(unknown(60))).status).toBe(503)
    const { status } = await browserOf(server).open(authorizeUrl(agent.client))
    expect(status).toBe(200)
  })

  it('its requests use the audit budget of their address, and not that of registered clients', async () => {
    const { server, agent, proof } = await setUp()
    const request = { response_type: 'code', client_id: agent.url, redirect_uri: CALLBACK, ...proof }
    const pkce = { code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    const push = () => server.postJson({ ...request, ...pkce, visitor_access_token: 'x' }, HERE, PAR)
    expect((await push()).status).toBe(201)
    await Promise.all(Array.from({ length: 2 * EVENTS_PER_MINUTE.address }, push))
    await server.settle()
    const count = env.DB.prepare("SELECT count(*) AS n FROM audit_events WHERE kind = 'merge'")
    expect(await count.first('n')).toBe(EVENTS_PER_MINUTE.address)
  })
})
