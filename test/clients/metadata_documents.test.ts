import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { COOLDOWN_SECONDS, OLDEST_DOCUMENT_SECONDS } from '../../src/clients/metadata/metadata_documents.ts'
import { en } from '../../src/pages/languages/en.ts'
import { asserted, newKey, signAssertion } from '../support/assertions.ts'
import { authorizeUrl, browserOf, CALLBACK, CHALLENGE, exchangeOf, signInAt } from '../support/authorize.ts'
import { AGENT_CONFIG, type AgentDocument, agentServer, newDocument } from '../support/client_documents.ts'
import { DpopKey } from '../support/dpop.ts'
import { TestOperator } from '../support/operator.ts'
import { hang, RemoteDocuments } from '../support/remote_documents.ts'
import { ISSUER, STOREFRONT_AUDIENCE, type TestServer, type TokenResponse } from '../support/server.ts'

const REFUSED = { error: 'invalid_client', error_description: 'Client authentication failed.' }
const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

/** Signs a user in through the pages and allows the access. @returns the parameters of the response and the consent page */
async function allow(
  server: TestServer,
  { client }: AgentDocument,
  { changes = {}, username }: { changes?: Record<string, string | undefined>; username?: string } = {},
) {
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client, changes))
  const page = await signInAt(browser, username ?? (await server.addUser()).username)
  const { url } = await browser.press('Allow')
  return { page, parameters: url.searchParams, code: url.searchParams.get('code') }
}

const rowOf = (url: string) => env.DB.prepare('SELECT * FROM clients WHERE client_id = ?').bind(url).first()

/** The status, the heading and the text of an error page. */
async function openPage(server: TestServer, { client }: Pick<AgentDocument, 'client'>, changes = {}) {
  const { status, html, headers, url } = await browserOf(server).open(authorizeUrl(client, changes))
  expect(url.origin).toBe(ISSUER)
  return { status, html, retryAfter: headers.get('Retry-After') }
}

describe('a client whose id is the URL of its document', () => {
  it('a user signs in and allows the access, and the client gets, uses and refreshes tokens', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const { page, parameters, code } = await allow(server, agent, { changes: { scope: 'cart' } })
    expect(page.html).toContain(en.consent.question('Shopping agent'))
    expect(page.html).toContain(`${en.consent.describedAt}<strong class="host">agent.example</strong>`)
    expect(page.html).toContain(`${en.consent.returnTo}<strong class="host">app.test</strong>`)
    expect(page.html).not.toContain(en.consent.onDevice)
    // The page recommends neither button.
    expect(page.html).toContain('<button type="submit" name="decision" value="allow">Allow</button>')
    expect(parameters.get('iss')).toBe(ISSUER)
    // Nothing is stored before the exchange.
    expect(await rowOf(agent.url)).toBeNull()
    const tokens = await server.requireTokens(exchangeOf(agent.client, code))
    const claims = decodeJwt(tokens.access_token)
    expect(claims).toMatchObject({ client_id: agent.url, aud: STOREFRONT_AUDIENCE, scope: 'cart' })
    expect(await rowOf(agent.url)).toMatchObject({
      metadata: 1,
      name: 'Shopping agent',
      api: 'storefront',
      enabled: 1,
      first_party: 0,
      grants: '["authorization_code","refresh_token"]',
      confidential: 0,
      logo_uri: null,
    })
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token: tokens.refresh_token }
    const refreshed = await server.anotherIsolate().requireTokens(refresh)
    expect(decodeJwt(refreshed.access_token)).toMatchObject({ client_id: agent.url, sid: claims.sid })
    expect(agent.documents.requests).toEqual([agent.url])
  })

  it('the client has each API with agents, and no other API', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const resource = 'https://catalog.shop.test/'
    const { code } = await allow(server, agent, { changes: { resource } })
    const tokens = await server.requireTokens({ ...exchangeOf(agent.client, code), resource })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: resource, scope: 'search' })
    const other = { resource: 'https://shop.test/admin/api' }
    const { url } = await browserOf(server).open(authorizeUrl(agent.client, other))
    expect(url.searchParams.get('error')).toBe('invalid_target')
  })

  it('with the preset ucp, a request for a new scope also gives the scopes that the user allowed before (U14)', async () => {
    const server = agentServer({ agents: { ...AGENT_CONFIG.agents, ucp: true } })
    const agent = await newDocument(server)
    const { username } = await server.addUser()
    const first = await allow(server, agent, { username, changes: { scope: 'cart' } })
    await server.requireTokens(exchangeOf(agent.client, first.code))
    const second = await allow(server, agent, { username, changes: { scope: 'orders' } })
    const tokens = await server.requireTokens(exchangeOf(agent.client, second.code))
    expect(tokens.scope?.split(' ').sort()).toEqual(['cart', 'orders'])
  })

  it('the page warns of an application that runs on the device, and its port is free', async () => {
    const server = agentServer()
    const changes = { redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'] }
    const agent = await newDocument(server, { changes })
    for (const redirect_uri of ['http://localhost:3118/callback', 'http://127.0.0.1:50001/callback']) {
      const { page, code } = await allow(server, agent, { changes: { redirect_uri } })
      expect(page.html).toContain(en.consent.onDevice)
      const { host } = new URL(redirect_uri)
      expect(page.html).toContain(`${en.consent.returnTo}<strong class="host">${host}</strong>`)
      await server.requireTokens(exchangeOf(agent.client, code, { redirect_uri }))
    }
    const { status } = await openPage(server, agent, { redirect_uri: 'http://localhost:3118/other' })
    expect(status).toBe(400)
  })

  it.each([
    ['client_credentials', {}],
    ['password', { username: 'guest', password: 'guest' }],
  ])('the token endpoint refuses %s, also if the document lists it', async (grant_type, more) => {
    const server = agentServer()
    const key = await newKey()
    const grant_types = ['authorization_code', 'client_credentials', 'password']
    const changes = {
      grant_types,
      jwks: { keys: [key.jwk] },
      token_endpoint_auth_method: 'private_key_jwt',
    }
    const agent = await newDocument(server, { changes })
    await openPage(server, agent).catch(() => {})
    const proof = asserted(await signAssertion(agent.url, key, server.clock.time))
    const response = await server.postJson({ grant_type, ...more, ...proof })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'unauthorized_client' })
    expect(await rowOf(agent.url)).toBeNull()
  })

  it('PKCE is required, and a challenge of plain is refused', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    for (const changes of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
    ]) {
      const { url } = await browserOf(server).open(authorizeUrl(agent.client, changes))
      expect(url.searchParams.get('error')).toBe('invalid_request')
    }
  })

  it('an operator finds, disables and deletes the client, and its sessions end', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const operator = await TestOperator.signIn(server)
    const { code } = await allow(server, agent)
    const { refresh_token } = await server.requireTokens(exchangeOf(agent.client, code))
    const path = `/clients/${encodeURIComponent(agent.url)}`
    const shown = await operator.get(path)
    expect(shown.status).toBe(200)
    expect(shown.body).toMatchObject({ client_id: agent.url, first_party: false, jwks: null })
    const refused = await operator.patch(path, { first_party: true }, '"1"')
    expect(refused.status).toBe(409)
    expect((await operator.post(`${path}/disable`, {})).status).toBe(200)
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token }
    const response = await server.postJson(refresh)
    expect([response.status, await response.json()]).toEqual([401, REFUSED])
    expect((await openPage(server, agent)).status).toBe(400)
    expect((await operator.post(`${path}/enable`, {})).status).toBe(200)
    server.clock.time += 60
    const again = await allow(server, agent)
    const tokens = await server.requireTokens(exchangeOf(agent.client, again.code))
    const version = (await operator.get(path)).headers.get('ETag') ?? ''
    expect((await operator.delete(path, version)).status).toBe(204)
    const ended = await server.postJson({ ...refresh, refresh_token: tokens.refresh_token })
    expect(ended.status).toBe(400)
  })

  it('a client is removed after 90 days without use, if no user allows it and no operator disabled it', async () => {
    const server = agentServer()
    const agents: AgentDocument[] = []
    for (let i = 0; i < 3; i++) {
      const documents = agents[0]?.documents
      agents.push(await newDocument(server, {}, documents))
    }
    for (const agent of agents) {
      const { code } = await allow(server, agent)
      await server.requireTokens(exchangeOf(agent.client, code))
    }
    const [allowed, disabled, unused] = agents.map(({ url }) => url)
    await env.DB.prepare('UPDATE consents SET withdrawn_at = 1 WHERE client_id IN (?, ?)')
      .bind(disabled, unused)
      .run()
    await env.DB.prepare('UPDATE clients SET enabled = 0 WHERE client_id = ?').bind(disabled).run()
    server.clock.time += 90 * 86_400 - 60
    await server.sweep()
    expect(await rowOf(String(unused))).not.toBeNull()
    server.clock.time += 120
    await server.sweep()
    expect(await rowOf(String(unused))).toBeNull()
    for (const url of [allowed, disabled]) expect(await rowOf(String(url))).not.toBeNull()
  })
})

describe('the authentication of a client with a document', () => {
  /** A client with keys, and its requests. */
  async function setUp(changes: Record<string, unknown>, config: Record<string, unknown> = {}) {
    const server = agentServer(config)
    const key = await newKey()
    const agent = await newDocument(server, { changes: { jwks: { keys: [key.jwk] }, ...changes } })
    const sign = async () => asserted(await signAssertion(agent.url, key, server.clock.time))
    return { server, key, agent, sign }
  }

  it('a client with private_key_jwt signs each request', async () => {
    const { server, agent, sign } = await setUp({ token_endpoint_auth_method: 'private_key_jwt' })
    const { code } = await allow(server, agent)
    const exchange = exchangeOf(agent.client, code)
    const bare = await server.postJson(exchange)
    expect([bare.status, await bare.json()]).toEqual([401, REFUSED])
    const { refresh_token } = await server.requireTokens({ ...exchange, ...(await sign()) })
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token }
    expect((await server.postJson(refresh)).status).toBe(401)
    await server.requireTokens({ ...refresh, ...(await sign()) })
  })

  it.each([
    {
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
      token_endpoint_auth_method: undefined,
    },
    { token_endpoint_auth_methods_supported: ['private_key_jwt'], token_endpoint_auth_method: 'none' },
  ])(
    'with both methods both work, and a session that began with an assertion needs one: %o',
    async (methods) => {
      const { server, agent, sign } = await setUp(methods)
      const bare = await server.requireTokens(exchangeOf(agent.client, (await allow(server, agent)).code))
      const refreshOf = (refresh_token: string | undefined) => ({
        grant_type: 'refresh_token',
        client_id: agent.url,
        refresh_token,
      })
      const first = await server.requireTokens(refreshOf(bare.refresh_token))
      await server.requireTokens({ ...refreshOf(first.refresh_token), ...(await sign()) })
      const { code } = await allow(server, agent)
      const signed = await server.requireTokens({ ...exchangeOf(agent.client, code), ...(await sign()) })
      const refused = await server.postJson(refreshOf(signed.refresh_token))
      expect([refused.status, await refused.json()]).toEqual([401, REFUSED])
      const next = await server.requireTokens({ ...refreshOf(signed.refresh_token), ...(await sign()) })
      expect((await server.postJson(refreshOf(next.refresh_token))).status).toBe(401)
    },
  )

  it('a document with changed keys ends the old keys at the next fetch', async () => {
    const { server, agent, sign } = await setUp({ token_endpoint_auth_method: 'private_key_jwt' })
    const { code } = await allow(server, agent)
    const { refresh_token } = await server.requireTokens({
      ...exchangeOf(agent.client, code),
      ...(await sign()),
    })
    const next = await newKey()
    agent.publish({ jwks: { keys: [next.jwk] } })
    server.clock.time += 3600
    await openPage(server, agent)
    const refresh = { grant_type: 'refresh_token', refresh_token }
    const refused = await server.postJson({ ...refresh, ...(await sign()) })
    expect([refused.status, await refused.json()]).toEqual([401, REFUSED])
    const proof = asserted(await signAssertion(agent.url, next, server.clock.time))
    await server.requireTokens({ ...refresh, ...proof })
  })

  it('after seven days without a fetch, the last keys refresh and revoke, and do nothing else', async () => {
    const { server, agent, sign } = await setUp({ token_endpoint_auth_method: 'private_key_jwt' })
    const exchange = exchangeOf(agent.client, (await allow(server, agent)).code)
    const first = await server.requireTokens({ ...exchange, ...(await sign()) })
    server.clock.time += OLDEST_DOCUMENT_SECONDS
    const isolate = server.anotherIsolate()
    const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    const stranger = await newKey()
    const unknown = asserted(await signAssertion(agent.url, stranger, server.clock.time))
    for (const [path, body] of [
      ['/oauth2-token', { ...refresh, ...unknown }],
      ['/oauth2-token', { ...exchange, ...(await sign()) }],
      ['/oauth2-token/introspect', { token: first.access_token, ...(await sign()) }],
      ['/oauth2-token/revoke', { token: first.refresh_token, ...unknown }],
    ] as const) {
      const response = await isolate.postJson(body, {}, path)
      expect([path, response.status, await response.json()]).toEqual([path, 503, UNAVAILABLE])
    }
    const bare = await isolate.postJson({ ...refresh, client_id: agent.url })
    expect([bare.status, await bare.json()]).toEqual([401, REFUSED])
    const second = await isolate.requireTokens({ ...refresh, ...(await sign()) })
    const next = { ...refresh, refresh_token: second.refresh_token }
    const third = await server.requireTokens({ ...next, ...(await sign()) })
    const revocation = { token: third.refresh_token, ...(await sign()) }
    expect((await isolate.postJson(revocation, {}, '/oauth2-token/revoke')).status).toBe(200)
    const ended = await isolate.postJson({
      ...refresh,
      refresh_token: third.refresh_token,
      ...(await sign()),
    })
    expect(ended.status).toBe(400)
    expect(agent.documents.requests).toEqual([agent.url])
    // The next sign-in fetches the document, which has another key.
    agent.publish({ jwks: { keys: [stranger.jwk] } })
    expect((await openPage(isolate, agent)).status).toBe(200)
    const removed = await isolate.postJson({ ...next, ...(await sign()) })
    expect([removed.status, await removed.json()]).toEqual([401, REFUSED])
  })

  it('after seven days without a fetch, a session without an assertion continues, also if the document has keys', async () => {
    const methods = { token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] }
    const { server, agent } = await setUp({ ...methods, token_endpoint_auth_method: undefined })
    const { code } = await allow(server, agent)
    const { refresh_token } = await server.requireTokens(exchangeOf(agent.client, code))
    server.clock.time += OLDEST_DOCUMENT_SECONDS
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token }
    await server.anotherIsolate().requireTokens(refresh)
    expect(agent.documents.requests).toEqual([agent.url])
  })

  it('the audience of the assertions is that of the trusted host in config.yml', async () => {
    const entry = { host: 'agent.example', assertion_audience: 'token_endpoint' }
    const agents = { ...AGENT_CONFIG.agents, trusted_hosts: ['other.example', entry] }
    const methods = { token_endpoint_auth_method: 'private_key_jwt' }
    const { server, key, agent } = await setUp(methods, { agents })
    const sign = async (aud: unknown) =>
      asserted(await signAssertion(agent.url, key, server.clock.time, { claims: { aud } }))
    const exchange = exchangeOf(agent.client, (await allow(server, agent)).code)
    for (const aud of [ISSUER, [ISSUER, `${ISSUER}/oauth2-token`]])
      expect((await server.postJson({ ...exchange, ...(await sign(aud)) })).status).toBe(401)
    const tokens = await server.requireTokens({ ...exchange, ...(await sign(`${ISSUER}/oauth2-token`)) })
    expect(await rowOf(agent.url)).toMatchObject({ assertion_audience: 'token_endpoint' })
    const question = { token: tokens.access_token, ...(await sign([`${ISSUER}/oauth2-token`])) }
    const described = await server.postJson(question, {}, '/oauth2-token/introspect')
    expect(await described.json()).toMatchObject({ active: true })
    // The row has the audience when the document is too old.
    server.clock.time += OLDEST_DOCUMENT_SECONDS
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    await server.anotherIsolate().requireTokens({ ...refresh, ...(await sign(`${ISSUER}/oauth2-token`)) })
  })

  it('keys at a jwks_uri work, and a pushed request needs the assertion', async () => {
    const { server, key, agent, sign } = await setUp({
      jwks: undefined,
      jwks_uri: 'https://keys.agent.example/jwks',
      token_endpoint_auth_method: 'private_key_jwt',
    })
    agent.documents.setJson('https://keys.agent.example/jwks', { keys: [key.jwk] })
    const push = {
      response_type: 'code',
      client_id: agent.url,
      redirect_uri: CALLBACK,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    }
    const bare = await server.postJson(push, {}, '/oauth2-token/par')
    expect([bare.status, await bare.json()]).toEqual([401, REFUSED])
    const pushed = await server.postJson({ ...push, ...(await sign()) }, {}, '/oauth2-token/par')
    expect(pushed.status).toBe(201)
    const { request_uri } = await pushed.json<{ request_uri: string }>()
    const { code } = await allow(server, agent, { changes: { request_uri } })
    await server.requireTokens({ ...exchangeOf(agent.client, code), ...(await sign()) })
  })
})

describe('a document with dpop_bound_access_tokens: true', () => {
  it('its client gets tokens only with a proof that has a nonce, and a refresh needs the same key (RFC 9449 §5.2)', async () => {
    const server = agentServer()
    const agent = await newDocument(server, { changes: { dpop_bound_access_tokens: true } })
    const key = await DpopKey.create()
    const prove = async (nonce?: string, signer = key) => ({ DPoP: await signer.prove(server, { nonce }) })
    const exchange = exchangeOf(agent.client, (await allow(server, agent)).code)
    const bare = await server.postJson(exchange)
    expect([bare.status, await bare.json()]).toMatchObject([400, { error: 'invalid_dpop_proof' }])
    const asked = await server.postJson(exchange, await prove())
    expect([asked.status, await asked.json()]).toMatchObject([400, { error: 'use_dpop_nonce' }])
    const nonce = asked.headers.get('DPoP-Nonce') ?? ''
    const response = await server.postJson(exchange, await prove(nonce))
    expect(response.status).toBe(200)
    const tokens = await response.json<TokenResponse>()
    expect([tokens.token_type, decodeJwt(tokens.access_token).cnf]).toEqual(['DPoP', { jkt: key.thumbprint }])
    expect(await rowOf(agent.url)).toMatchObject({ dpop_bound_access_tokens: 1 })
    // The row keeps the demand when the document is too old.
    server.clock.time += OLDEST_DOCUMENT_SECONDS
    const later = server.anotherIsolate()
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token: tokens.refresh_token }
    const refused = await later.postJson(refresh)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_dpop_proof' }])
    const next = (await later.postJson(refresh, await prove())).headers.get('DPoP-Nonce') ?? ''
    const stolen = await later.postJson(refresh, await prove(next, await DpopKey.create()))
    expect([stolen.status, await stolen.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    expect((await later.postJson(refresh, await prove(next))).status).toBe(200)
  })

  it('a scope of the document does not limit the request', async () => {
    const server = agentServer()
    const agent = await newDocument(server, { changes: { scope: 'openid offline_access' } })
    const { code } = await allow(server, agent, { changes: { scope: 'cart orders' } })
    const { scope } = await server.requireTokens(exchangeOf(agent.client, code))
    expect(scope ?? 'cart orders').toBe('cart orders')
  })
})

describe('the fetch of a document', () => {
  const causes = en.documentError.causes
  const FAULTS: [string, string, (url: string) => (request: Request) => Response | Promise<Response>][] = [
    [
      'is down',
      causes.connection('agent.example'),
      () => () => Promise.reject(new TypeError('no connection')),
    ],
    [
      'redirects',
      causes.redirect('agent.example'),
      () => () => Response.redirect('https://agent.example/other', 302),
    ],
    ['has an error', causes.status('agent.example'), () => () => new Response('oops', { status: 503 })],
    ['has no document', causes.status('agent.example'), () => () => new Response('', { status: 404 })],
    [
      'sends a huge document',
      causes.size('agent.example'),
      (url) => () => Response.json({ client_id: url, pad: 'x'.repeat(5200) }),
    ],
    ['sends a page', causes.content('agent.example'), () => () => new Response('<html></html>')],
    ['sends a list', causes.content('agent.example'), () => () => Response.json([])],
  ]

  it.each(FAULTS)(
    'a page and the pushed request name the cause if the server %s',
    async (_name, cause, fault) => {
      const server = agentServer()
      const agent = await newDocument(server)
      agent.documents.set(agent.url, fault(agent.url))
      const page = await openPage(server, agent)
      expect([page.status, page.retryAfter]).toEqual([502, String(COOLDOWN_SECONDS)])
      expect(page.html).toContain(en.documentError.title)
      expect(page.html).toContain(`${cause} ${en.documentError.help}`)
      const push = { response_type: 'code', client_id: agent.url, redirect_uri: CALLBACK }
      const pushed = await server.postJson(push, {}, '/oauth2-token/par')
      expect([pushed.status, await pushed.json()]).toEqual([503, UNAVAILABLE])
      expect(pushed.headers.get('Retry-After')).toBe(String(COOLDOWN_SECONDS))
      const json = await server.fetch(authorizeUrl(agent.client).slice(ISSUER.length))
      expect([json.status, await json.json()]).toEqual([503, UNAVAILABLE])
      // One request to the other server, because the isolate remembers the failure for some seconds.
      expect(agent.documents.requests).toHaveLength(1)
      // The failure is in no store, and the document works as soon as it is right.
      agent.publish()
      server.clock.time += COOLDOWN_SECONDS
      expect((await openPage(server, agent)).status).toBe(200)
    },
  )

  it('a server that hangs is left after five seconds, and other clients continue', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const other = await newDocument(server, {}, agent.documents)
    agent.documents.set(agent.url, hang)
    const begin = Date.now()
    const hanging = openPage(server, agent)
    expect((await openPage(server, other)).status).toBe(200)
    const { status, html } = await hanging
    expect(status).toBe(502)
    expect(html).toContain(causes.timeout('agent.example'))
    expect(Date.now() - begin).toBeLessThan(7000)
  })

  const key = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }
  it.each<[string, Record<string, unknown>]>([
    ['another id', { client_id: 'https://agent.example/other' }],
    ['no id', { client_id: undefined }],
    ['no name', { client_name: undefined }],
    ['a name that changes the direction of writing', { client_name: 'Shop\u202eelgoog' }],
    ['no redirect URI', { redirect_uris: undefined }],
    [
      'no redirect URI that is supported',
      { redirect_uris: ['com.agent.app:/cb', 'http://agent.example/cb'] },
    ],
    ['21 redirect URIs', { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.example/${i}`) }],
    ['redirect URIs that are no list', { redirect_uris: CALLBACK }],
    ['a secret', { client_secret: 'secret' }],
    ['the end of a secret', { client_secret_expires_at: 0 }],
    ['a method with a secret', { token_endpoint_auth_method: 'client_secret_basic' }],
    [
      'only methods with a secret',
      {
        token_endpoint_auth_method: undefined,
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      },
    ],
    ['another grant', { grant_types: ['client_credentials'] }],
    ['another response type', { response_types: ['token'] }],
    ['a text as dpop_bound_access_tokens', { dpop_bound_access_tokens: 'true' }],
    ['no keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['keys that cannot be used', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } }],
    [
      'keys at a local address',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://127.0.0.1/jwks' },
    ],
  ])('a document with %s is refused', async (_name, changes) => {
    const server = agentServer()
    const agent = await newDocument(server, { changes })
    const { status, html } = await openPage(server, agent)
    expect(status).toBe(502)
    expect(html).toContain(causes.content('agent.example'))
  })

  it.each([
    ['a host that is not trusted', 'https://other.example/client.json', causes.host('other.example')],
    ['http', 'http://agent.example/client.json', causes.url('')],
    ['an IP address', 'https://192.0.2.1/client.json', causes.url('')],
    ['an IPv6 address', 'https://[2001:db8::1]/client.json', causes.url('')],
    ['localhost', 'https://localhost/client.json', causes.url('')],
    ['a special-use name', 'https://agent.internal/client.json', causes.url('')],
    ['another port', 'https://agent.example:8443/client.json', causes.url('')],
    ['no path', 'https://agent.example/', causes.url('')],
    ['a fragment', 'https://agent.example/client.json#a', causes.url('')],
    ['a user', 'https://user@agent.example/client.json', causes.url('')],
    ['a dot segment', 'https://agent.example/a/../client.json', causes.url('')],
  ])('a client id with %s is refused without a request to its server', async (_name, url, cause) => {
    const server = agentServer({
      agents: {
        trusted_hosts: cause.startsWith('This') ? ['agent.example'] : 'any',
        default_api: 'storefront',
      },
    })
    const agent = await newDocument(server)
    const client = { ...agent.client, id: url }
    const { status, html } = await openPage(server, { client })
    expect([status, html]).toEqual([400, expect.stringContaining(`${cause} ${en.documentError.refusedHelp}`)])
    expect(html).toContain(`<h1>${en.documentError.refusedTitle}</h1>`)
    expect(html).not.toContain('the client id is no trusted URL')
    const push = { response_type: 'code', client_id: url, redirect_uri: CALLBACK }
    for (const [path, body] of [
      ['/oauth2-token/par', push],
      ['/oauth2-token', { grant_type: 'refresh_token', client_id: url, refresh_token: 'x' }],
    ] as const) {
      const response = await server.postJson(body, {}, path)
      expect([response.status, await response.json()]).toEqual([401, REFUSED])
    }
    expect(agent.documents.requests).toEqual([])
  })

  it('the page of a document that cannot be used has the looks of the requested API, or of the default API', async () => {
    const { storefront, catalog } = AGENT_CONFIG.apis
    const server = agentServer({
      apis: {
        ...AGENT_CONFIG.apis,
        storefront: { ...storefront, branding: { name: 'Corner Shop' } },
        catalog: { ...catalog, branding: { name: 'Corner Catalog' } },
      },
    })
    const agent = await newDocument(server, { host: 'other.example' })
    const titleOf = async (changes = {}) =>
      /<title>(.*)<\/title>/.exec((await openPage(server, agent, changes)).html)?.[1]
    expect(await titleOf()).toBe(`${en.documentError.refusedTitle} · Corner Shop`)
    expect(await titleOf({ resource: catalog.audience })).toBe(
      `${en.documentError.refusedTitle} · Corner Catalog`,
    )
  })

  it('trusted_hosts: any accepts each public host, and an empty list none', async () => {
    const any = agentServer({ agents: { trusted_hosts: 'any', default_api: 'storefront' } })
    const agent = await newDocument(any, { host: 'new.example' })
    expect((await openPage(any, agent)).status).toBe(200)
    const none = agentServer({ agents: {} })
    expect((await openPage(none, agent)).status).toBe(400)
    for (const [server, supported] of [
      [any, true],
      [none, false],
    ] as const) {
      const metadata = await (await server.fetch('/.well-known/oauth-authorization-server')).json()
      expect(metadata).toMatchObject({ client_id_metadata_document_supported: supported })
    }
  })

  it('a document is fetched once for its HTTP lifetime, up to seven days', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const requests = () => agent.documents.requests.length
    agent.publish({}, { 'Cache-Control': 'max-age=600' })
    await Promise.all([1, 2, 3].map(() => openPage(server, agent)))
    server.clock.time += 599
    await openPage(server, agent)
    await openPage(server.anotherIsolate(), agent)
    expect(requests()).toBe(1)
    agent.publish({}, { 'Cache-Control': 'max-age=99999999' })
    server.clock.time += 1
    await openPage(server, agent)
    server.clock.time += OLDEST_DOCUMENT_SECONDS - 1
    await openPage(server, agent)
    expect(requests()).toBe(2)
    server.clock.time += 1
    await openPage(server, agent)
    expect(requests()).toBe(3)
  })

  it('in an outage the last document is used for seven days; a removed document is not used', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const { code } = await allow(server, agent)
    const { refresh_token } = await server.requireTokens(exchangeOf(agent.client, code))
    agent.documents.set(agent.url, () => new Response('', { status: 503 }))
    server.clock.time += 3600
    expect((await openPage(server, agent)).status).toBe(200)
    server.clock.time += COOLDOWN_SECONDS
    agent.documents.set(agent.url, () => new Response('', { status: 410 }))
    expect((await openPage(server, agent)).status).toBe(502)
    server.clock.time += OLDEST_DOCUMENT_SECONDS
    agent.documents.set(agent.url, () => new Response('', { status: 503 }))
    expect((await openPage(server, agent)).status).toBe(502)
    // The users of before continue: their client has no keys that could be old.
    await server.requireTokens({ grant_type: 'refresh_token', client_id: agent.url, refresh_token })
  })

  it('a changed document applies at the next fetch: a removed redirect URI is refused', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const { code } = await allow(server, agent)
    const browser = browserOf(server)
    await browser.open(authorizeUrl(agent.client))
    agent.publish({ redirect_uris: ['https://app.test/other'], client_name: 'Renamed' })
    server.clock.time += 3600
    const first = await openPage(server, agent)
    expect([first.status, first.html]).toEqual([400, expect.stringContaining(en.errors.link.title)])
    expect((await signInAt(browser, (await server.addUser()).username)).status).toBe(400)
    expect((await server.postJson(exchangeOf(agent.client, code))).status).toBe(400)
    const redirect_uri = 'https://app.test/other'
    const { page, code: next } = await allow(server, agent, { changes: { redirect_uri } })
    expect(page.html).toContain(en.consent.question('Renamed'))
    await server.requireTokens(exchangeOf(agent.client, next, { redirect_uri }))
    expect(await rowOf(agent.url)).toMatchObject({ name: 'Renamed' })
  })

  it('the token endpoint requests no document, and responds 503 to a client that it does not know', async () => {
    const server = agentServer()
    const agent = await newDocument(server)
    const response = await server.postJson({
      grant_type: 'refresh_token',
      client_id: agent.url,
      refresh_token: 'x',
    })
    expect([response.status, await response.json()]).toEqual([503, UNAVAILABLE])
    expect(agent.documents.requests).toEqual([])
  })

  it('a document whose members are useless to the server is accepted, and no image of it is shown', async () => {
    const server = agentServer()
    const agent = await newDocument(server, {
      changes: {
        logo_uri: 'https://agent.example/logo.png',
        policy_uri: 'javascript:alert(1)',
        extra: { a: 1 },
        tos_uri: 'https://agent.example/terms',
        redirect_uris: [CALLBACK, 'cursor://anysphere/callback'],
      },
    })
    const { page } = await allow(server, agent)
    expect(page.html).toContain('https://agent.example/terms')
    expect(page.html).not.toMatch(/logo\.png|javascript:/)
  })
})

describe('the budget of fetches', () => {
  it('an IP address gets a page with 429 when it has caused too many fetches', async () => {
    const documents = RemoteDocuments.start()
    const server = agentServer()
    const agent = await newDocument(server, {}, documents)
    const statuses: number[] = []
    for (let i = 0; i < 62; i++) {
      const client = { ...agent.client, id: `https://agent.example/${i}` }
      const request = new Request(authorizeUrl(client), {
        headers: { Accept: 'text/html', 'CF-Connecting-IP': '203.0.113.9' },
      })
      statuses.push((await server.send(request)).status)
    }
    expect(statuses.filter((status) => status === 502).length).toBeLessThanOrEqual(60)
    expect(statuses.at(-1)).toBe(429)
    expect(documents.requests.length).toBeLessThanOrEqual(60)
  })
})
