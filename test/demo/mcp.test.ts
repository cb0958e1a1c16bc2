import { randomUUID } from 'node:crypto'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { DPOP_ALGORITHMS } from '../../packages/verify/src/dpop_proof.ts'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { Agent } from './agent.ts'
import { addCustomer, ask, backofficeTokens, CLERK, requestTokens, storefrontTokens } from './tokens.ts'

const { issuer, mcpServer, storefrontApi, output } = inject('demo')
const RESOURCE_METADATA = mcpServer.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')

/** Calls tools with a token, without the client of MCP. */
function callTools(names: readonly string[], token?: string) {
  const messages = names.map((name, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } }))
  const body = messages.length === 1 ? messages[0] : messages
  return ask(mcpServer, { method: 'POST', body, ...(token && { token }) })
}

/** @param error The parameter `error`, with its comma; only the first challenge has it */
function challenge(scope: string, error = ''): string {
  const rest = `scope="${scope}", resource_metadata="${RESOURCE_METADATA}"`
  return `Bearer realm="${issuer}", ${error}${rest}, DPoP realm="${issuer}", ${rest}, algs="${DPOP_ALGORITHMS.join(' ')}"`
}

describe('the MCP server', () => {
  it('the demo and the page at / tell how to connect an agent', async () => {
    expect(output).toContain(`MCP server       ${mcpServer}\n`)
    expect(output).toContain(
      `claude mcp add --transport http --client-id demo-agent slow-pour ${mcpServer}\n`,
    )
    expect(output).toContain('npx @modelcontextprotocol/inspector@2')
    const page = await fetch(mcpServer.replace('/mcp', '/'))
    expect([page.status, await page.text()]).toEqual([
      200,
      `The MCP server of Slow Pour. Connect an agent to ${mcpServer}`,
    ])
  })

  it('a client finds the token service and the scopes by the refusal (RFC 9728 §5.1)', async () => {
    expect(await callTools(['view_cart'])).toEqual({
      status: 401,
      challenge: challenge('catalog cart'),
      body: { error: 'missing_token' },
    })
    const document = await fetch(RESOURCE_METADATA)
    expect([document.status, await document.json()]).toEqual([
      200,
      {
        resource: mcpServer,
        authorization_servers: [issuer],
        scopes_supported: ['catalog', 'cart', 'orders'],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
        resource_name: 'Slow Pour',
      },
    ])
  })

  it('the MCP server refuses the tokens of other APIs', async () => {
    const shop = await storefrontTokens(await addCustomer())
    const clerk = await backofficeTokens(CLERK)
    for (const { access_token } of [shop, clerk])
      expect(await callTools(['search_catalog'], access_token)).toEqual({
        status: 401,
        challenge: challenge('catalog', 'error="invalid_token", '),
        body: { error: 'invalid_token' },
      })
  })
})

// Each test continues where the test before it ends.
describe.skipIf(findChromium() === null)('an agent with the official client of MCP', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let agent: Agent
  let customer: Awaited<ReturnType<typeof addCustomer>>

  beforeAll(async () => {
    browser = await launchChromium()
    context = await browser.newContext()
    page = await context.newPage()
    agent = await Agent.start()
    customer = await addCustomer()
  })
  afterAll(async () => {
    agent?.stop()
    await browser?.close()
  })

  const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
  const scopeTexts = () => page.locator('.scopes li').allInnerTexts()

  it('the agent asks for one scope, the user signs in and allows it, and the agent searches the catalog', async () => {
    await agent.isRefused('search_catalog')
    const query = agent.authorizationUrl?.searchParams
    expect([query?.get('scope'), query?.get('resource')]).toEqual(['catalog', mcpServer])
    await agent.authorize(page, async () => {
      await page.getByLabel('Username').fill(customer.username)
      await page.getByLabel('Password', { exact: true }).fill(customer.password)
      await press('Sign in')
      await page.getByRole('heading', { name: /Demo agent/ }).waitFor()
      expect(await scopeTexts()).toEqual(['Search the catalog'])
      await press('Allow')
    })
    expect(await agent.call('search_catalog', { text: 'kettle' })).toEqual({
      products: [expect.objectContaining({ sku: 'kettle', priceCents: 7900 })],
    })
  })

  it('the MCP server refuses a tool whose scope is missing, also in a list of messages', async () => {
    const token = agent.tokens()?.access_token ?? ''
    expect(await callTools(['list_orders'], token)).toEqual({
      status: 403,
      challenge: challenge('catalog orders', 'error="insufficient_scope", '),
      body: { error: 'insufficient_scope' },
    })
    const many = await callTools(['search_catalog', 'view_cart', 'list_orders'], token)
    expect([many.status, many.challenge]).toEqual([
      403,
      challenge('catalog cart orders', 'error="insufficient_scope", '),
    ])
  })

  it('the agent asks for the missing scope, the user allows old and new, and the agent fills the cart of the shop', async () => {
    await agent.isRefused('view_cart')
    expect(agent.authorizationUrl?.searchParams.get('scope')).toBe('catalog cart')
    await agent.authorize(page, async () => {
      await page.getByRole('heading', { name: /Demo agent/ }).waitFor()
      expect(await scopeTexts()).toEqual(['View and change your cart', 'Search the catalog'])
      await press('Allow')
    })
    const cart = { lines: [expect.objectContaining({ sku: 'mug', quantity: 2 })], totalCents: 4400 }
    expect(await agent.call('add_to_cart', { sku: 'mug', quantity: 2 })).toEqual(cart)
    const { access_token: token } = await storefrontTokens(customer)
    expect((await ask(`${storefrontApi}/cart`, { token })).body).toEqual(cart)
  })

  it('the agent lists the orders of the shop after the user allowed that scope too', async () => {
    const { access_token: token } = await storefrontTokens(customer)
    const id = randomUUID()
    await ask(`${storefrontApi}/orders/${id}`, { token, method: 'PUT', body: { totalCents: 4400 } })
    await agent.isRefused('list_orders')
    await agent.authorize(page, () => press('Allow'))
    expect(await agent.call('list_orders')).toEqual({
      orders: [expect.objectContaining({ id, totalCents: 4400 })],
    })
    expect(await agent.call('view_cart')).toEqual({ lines: [], totalCents: 0 })
  })

  it('the user withdraws the consent on the account page, and the agent loses access within 3 seconds', async () => {
    const { access_token, refresh_token = '' } = agent.tokens() ?? {}
    await page.goto(`${issuer}/account/customers`)
    await page.getByRole('link', { name: 'Connected applications' }).click()
    await page.getByRole('heading', { name: 'Demo agent' }).waitFor()
    await press('Withdraw access')
    await page.getByRole('status').filter({ hasText: 'Demo agent no longer has access' }).waitFor()

    const client = { client_id: 'demo-agent', grant_type: 'refresh_token' }
    await expect(requestTokens({ ...client, refresh_token })).rejects.toThrow('400 {"error":"invalid_grant"')
    const status = async () => (await callTools(['search_catalog'], access_token)).status
    await expect.poll(status, { timeout: 3000, interval: 200 }).toBe(401)
    await agent.isRefused('search_catalog')
    await page.goto(agent.authorizationUrl?.href ?? '')
    await page.getByRole('heading', { name: /Demo agent/ }).waitFor()
  })
})
