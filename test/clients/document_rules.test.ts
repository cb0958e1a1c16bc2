import { describe, expect, it } from 'vitest'
import { newKey } from '../support/assertions.ts'
import { authorizeUrl, browserOf, CALLBACK, exchangeOf, signInAt } from '../support/authorize.ts'
import { AGENT_CONFIG, agentServer, newDocument } from '../support/client_documents.ts'
import { TestOperator } from '../support/operator.ts'
import { RemoteDocuments } from '../support/remote_documents.ts'
import { type TestClient, TestServer } from '../support/server.ts'

/** The largest document in bytes. */
const MAX_BYTES = 5 * 1024

async function statusOf(server: TestServer, client: TestClient, changes = {}): Promise<number> {
  return (await browserOf(server).open(authorizeUrl(client, changes))).status
}

/** A document of a given size in bytes. */
function documentOf(bytes: number, url: string): Response {
  const values = { client_id: url, client_name: 'Agent', redirect_uris: [CALLBACK], pad: '' }
  const pad = 'x'.repeat(bytes - JSON.stringify(values).length)
  return Response.json({ ...values, pad })
}

describe('the URL of a document', () => {
  it.each([
    ['a slash at the end', (url: string) => `${url}/`],
    ['another case', (url: string) => url.replace('client.json', 'Client.json')],
    ['an escaped letter', (url: string) => url.replace('client.json', '%63lient.json')],
    ['the default port', (url: string) => url.replace('agent.example', 'agent.example:443')],
    ['an empty query', (url: string) => `${url}?`],
  ])('the client_id of the document is compared as text: %s is refused', async (_name, change) => {
    const server = agentServer()
    const agent = await newDocument(server)
    agent.publish({ client_id: change(agent.url) })
    expect(await statusOf(server, agent.client)).toBe(502)
  })

  it('a URL with a query is a client of its own', async () => {
    const server = agentServer()
    const documents = RemoteDocuments.start()
    const [first, second] = ['a', 'b'].map((id) => `https://agent.example/client.json?id=${id}`)
    if (first === undefined || second === undefined) throw new Error('no URL')
    documents.set(first, () => documentOf(500, first))
    documents.set(second, () => documentOf(500, first))
    const { client } = await newDocument(server, {}, documents)
    expect(await statusOf(server, { ...client, id: first })).toBe(200)
    expect(await statusOf(server, { ...client, id: second })).toBe(502)
  })

  it('no registered client can have a URL as id', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const draft = { client_id: 'https://agent.example/client.json', api: 'storefront', grants: ['password'] }
    const { status, body } = await operator.post('/clients', draft)
    expect([status, body.errors]).toMatchObject([422, [{ path: 'client_id' }]])
  })
})

describe('the response with a document', () => {
  it.each([201, 203, 206, 301, 303, 307, 308])('the status %i is refused', async (status) => {
    const server = agentServer()
    const agent = await newDocument(server)
    const location = 'https://agent.example/other.json'
    agent.documents.set(agent.url, () => {
      const { body, headers } = documentOf(500, agent.url)
      headers.set('Location', location)
      return new Response(body, { status, headers })
    })
    expect(await statusOf(server, agent.client)).toBe(502)
    expect(agent.documents.requests).toEqual([agent.url])
  })

  it.each([
    [MAX_BYTES, 200],
    [MAX_BYTES + 1, 502],
  ])('a document of %i bytes gets a page with the status %i', async (bytes, status) => {
    const server = agentServer()
    const agent = await newDocument(server)
    agent.documents.set(agent.url, () => documentOf(bytes, agent.url))
    expect(await statusOf(server, agent.client)).toBe(status)
  })

  it('a document that must not be stored is fetched again after a minute', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    agent.publish({}, { 'Cache-Control': 'no-store' })
    expect(await statusOf(server, agent.client)).toBe(200)
    server.clock.time += 59
    expect(await statusOf(server, agent.client)).toBe(200)
    expect(agent.documents.requests).toHaveLength(1)
    server.clock.time += 1
    expect(await statusOf(server, agent.client)).toBe(200)
    expect(agent.documents.requests).toHaveLength(2)
  })
})

describe('the documents of known agents', () => {
  const RS256 = { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'RS256' }

  it.each([
    [
      'https://claude.ai/oauth/mcp-oauth-client-metadata',
      {
        redirect_uris: [
          'https://claude.ai/api/mcp/auth_callback',
          'https://claude.com/api/mcp/auth_callback',
        ],
      },
      'https://claude.ai/api/mcp/auth_callback',
    ],
    [
      'https://claude.ai/oauth/claude-code-client-metadata',
      { redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'] },
      'http://localhost:51123/callback',
    ],
    [
      'https://chatgpt.com/oauth/client.json',
      {
        redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
        ...RS256,
        jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
      },
      'https://chatgpt.com/connector_platform_oauth_redirect',
    ],
    [
      'https://chatgpt.com/oauth/codex/client.json',
      { redirect_uris: ['http://127.0.0.1/auth/callback'] },
      'http://127.0.0.1:1455/auth/callback',
    ],
  ])('the server accepts a document as that of %s', async (url, members, redirect_uri) => {
    const agents = { ...AGENT_CONFIG.agents, trusted_hosts: ['claude.ai', 'chatgpt.com'] }
    const server = agentServer({ agents })
    const documents = RemoteDocuments.start()
    const usual = { token_endpoint_auth_method: 'none', client_uri: 'https://agent.example' }
    const grants = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
    documents.setJson(url, { client_id: url, client_name: 'Agent', ...usual, ...grants, ...members })
    documents.setJson('https://chatgpt.com/oauth/jwks.json', { keys: [(await newKey('RS256')).jwk] })
    const { client } = await newDocument(server, {}, documents)
    expect(await statusOf(server, { ...client, id: url }, { redirect_uri })).toBe(200)
  })
})

describe('the installations of one agent', () => {
  it('a consent for another redirect URI leaves the sessions of the first one', async () => {
    const server = agentServer()
    const uris = [CALLBACK, 'https://app.test/second']
    const agent = await newDocument(server, { changes: { redirect_uris: uris } })
    const { username } = await server.addUser()
    const tokens: (string | undefined)[] = []
    for (const redirect_uri of uris) {
      const browser = browserOf(server)
      await browser.open(authorizeUrl(agent.client, { redirect_uri }))
      await signInAt(browser, username)
      const { url } = await browser.press('Allow')
      const exchange = exchangeOf(agent.client, url.searchParams.get('code'), { redirect_uri })
      tokens.push((await server.requireTokens(exchange)).refresh_token)
    }
    for (const refresh_token of tokens)
      await server.requireTokens({ grant_type: 'refresh_token', client_id: agent.url, refresh_token })
  })
})
