import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { authorizeUrl, CALLBACK, exchangeOf, signInAt } from '../support/authorize.ts'
import { AGENT_CONFIG, agentServer } from '../support/client_documents.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { RemoteDocuments } from '../support/remote_documents.ts'
import { ISSUER, type TestServer, type TokenResponse } from '../support/server.ts'

const LOCAL = 'http://localhost:8787'
const DOCUMENT = 'http://localhost:9000/client.json'

/** Publishes the document of a public client. */
function publish(documents: RemoteDocuments, client_id: string, changes: object = {}): void {
  documents.setJson(client_id, {
    client_id,
    client_name: 'Local agent',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    ...changes,
  })
}

/** A server on this device that trusts hosts. */
function localServer(trusted_hosts: string[] | 'any'): TestServer {
  return agentServer({ issuer: LOCAL, agents: { ...AGENT_CONFIG.agents, trusted_hosts } })
}

function post(server: TestServer, parameters: Record<string, string | undefined>): Promise<Response> {
  const body = JSON.stringify(parameters)
  const headers = { 'Content-Type': 'application/json' }
  return server.send(new Request(`${LOCAL}/oauth2-token`, { method: 'POST', body, headers }))
}

/** The page that a browser shows for an authorization request of a client. */
async function openAt(server: TestServer, issuer: string, url: string) {
  const browser = new PageBrowser(async (request) =>
    request.url.startsWith(`${issuer}/`) ? server.send(request) : new Response('the application'),
  )
  const { record } = await server.addClient({ api: 'storefront', confidential: false })
  const client = { id: url, secret: '', record: { ...record, id: url } }
  const page = await browser.open(authorizeUrl(client).replace(ISSUER, issuer))
  return { browser, page, client }
}

describe('a document on this device', () => {
  it('a loopback issuer fetches the document by http from a trusted host and port, and its client gets and refreshes tokens', async () => {
    const documents = RemoteDocuments.start()
    const server = localServer(['localhost:9000'])
    const { username } = await server.addUser()
    const { browser, page, client } = await openAt(server, LOCAL, DOCUMENT)
    expect(page.status).toBe(502)
    // A page of a loopback issuer names the cause for the developer.
    expect(page.html).toMatch(/<p class="soft" lang="en">[^<]+<\/p>/)
    publish(documents, DOCUMENT)
    server.clock.time += 10
    await browser.open(authorizeUrl(client).replace(ISSUER, LOCAL))
    const consent = await signInAt(browser, username)
    expect(consent.html).toContain('localhost:9000')
    const { url } = await browser.press('Allow')
    const exchange = await post(server, exchangeOf(client, url.searchParams.get('code')))
    expect(exchange.status).toBe(200)
    const { access_token, refresh_token } = await exchange.json<TokenResponse>()
    expect(decodeJwt(access_token)).toMatchObject({ iss: LOCAL, client_id: DOCUMENT })
    const refresh = { grant_type: 'refresh_token', client_id: DOCUMENT, refresh_token }
    expect((await post(server.anotherIsolate(), refresh)).status).toBe(200)
    expect(documents.requests).toEqual([DOCUMENT, DOCUMENT])
  })

  it.each([
    ['another port', ['localhost:9000'], 'http://localhost:9001/client.json', 400],
    ['another loopback host', ['localhost:9000'], 'http://127.0.0.1:9000/client.json', 400],
    ['http to a public host', 'any', 'http://agent.example/client.json', 400],
    ['a private address', 'any', 'http://192.168.1.1:9000/client.json', 400],
    ['no path', 'any', 'http://localhost:9000/', 400],
    ['each loopback host with any', 'any', 'http://127.0.0.1:9001/client.json', 200],
  ] as const)('a loopback issuer treats %s by the same rules', async (_name, hosts, url, status) => {
    const documents = RemoteDocuments.start()
    publish(documents, url)
    const { page } = await openAt(localServer(hosts === 'any' ? hosts : [...hosts]), LOCAL, url)
    expect([page.status, documents.requests]).toEqual([status, status === 200 ? [url] : []])
  })

  it.each([DOCUMENT, 'http://127.0.0.1:9000/client.json', 'https://localhost/client.json'])(
    'a deployed issuer never fetches %s, also with trusted_hosts: any',
    async (url) => {
      const documents = RemoteDocuments.start()
      publish(documents, url)
      const server = agentServer({ agents: { ...AGENT_CONFIG.agents, trusted_hosts: 'any' } })
      const { page } = await openAt(server, ISSUER, url)
      expect([page.status, documents.requests]).toEqual([400, []])
    },
  )

  it('a loopback issuer accepts keys at a loopback jwks_uri, and a deployed issuer refuses such a document', async () => {
    const documents = RemoteDocuments.start()
    const keys = { jwks_uri: 'http://localhost:9000/jwks', token_endpoint_auth_method: 'private_key_jwt' }
    publish(documents, DOCUMENT, keys)
    expect((await openAt(localServer(['localhost:9000']), LOCAL, DOCUMENT)).page.status).toBe(200)
    const url = 'https://agent.example/local.json'
    publish(documents, url, keys)
    expect((await openAt(agentServer(), ISSUER, url)).page.status).toBe(502)
  })
})
