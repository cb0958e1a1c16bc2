import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { COOLDOWN_SECONDS, OLDEST_KEYS_SECONDS } from '../../src/clients/assertions/remote_keys.ts'
import { asserted, type ClientKey, KeyClient, newKey, signAssertion } from '../support/assertions.ts'
import { CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { KV_DOWN } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { hang, RemoteDocuments } from '../support/remote_documents.ts'
import { credentials, type TestClient, TestServer } from '../support/server.ts'

const MACHINE = { grant_type: 'client_credentials' }
const REFUSED = { error: 'invalid_client', error_description: 'Client authentication failed.' }
const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

/** A client with a `jwks_uri`, and the server of its keys. */
async function setUp(server = new TestServer()) {
  const documents = RemoteDocuments.start()
  const uri = `https://${crypto.randomUUID()}.partner.example/jwks`
  const key = await newKey()
  documents.setJson(uri, { keys: [key.jwk] })
  const client = await server.addClient({ jwksUri: uri })
  return { server, documents, uri, key, client }
}

/** A token request of a client, signed by a key. */
async function ask(server: TestServer, { id }: TestClient, key: ClientKey): Promise<Response> {
  return server.postJson({ ...MACHINE, ...asserted(await signAssertion(id, key, server.clock.time)) })
}

describe('the keys at the jwks_uri of a client', () => {
  it('the keys are fetched once for their HTTP lifetime, and other isolates use the copy in KV', async () => {
    const { server, documents, uri, key, client } = await setUp()
    documents.setJson(uri, { keys: [{ kty: 'oct', k: 'AAAA' }, key.jwk] }, { 'Cache-Control': 'max-age=900' })
    const first = await Promise.all(Array.from({ length: 5 }, () => ask(server, client, key)))
    expect(first.map(({ status }) => status)).toEqual(Array(5).fill(200))
    server.clock.time += 899
    for (const isolate of [server, server.anotherIsolate()])
      expect((await ask(isolate, client, key)).status).toBe(200)
    expect(documents.requests).toEqual([uri])
    // The request after that time uses the old keys and fetches the new ones.
    server.clock.time += 1
    expect((await ask(server, client, key)).status).toBe(200)
    expect(documents.requests).toEqual([uri, uri])
    expect((await ask(server.anotherIsolate(), client, key)).status).toBe(200)
    expect(documents.requests).toEqual([uri, uri])
  })

  it('an unknown key causes one fetch in 30 seconds, so a client can use a new key at once', async () => {
    const { server, documents, uri, key, client } = await setUp()
    expect((await ask(server, client, key)).status).toBe(200)
    server.clock.time += COOLDOWN_SECONDS
    const next = await newKey()
    documents.setJson(uri, { keys: [next.jwk] })
    expect((await ask(server, client, next)).status).toBe(200)
    const stranger = await newKey()
    for (let i = 0; i < 5; i++) {
      const response = await ask(server, client, stranger)
      expect([response.status, await response.json()]).toEqual([401, REFUSED])
    }
    expect(documents.requests).toHaveLength(2)
    server.clock.time += COOLDOWN_SECONDS
    await Promise.all([1, 2, 3].map(() => ask(server, client, stranger)))
    expect(documents.requests).toHaveLength(3)
    // A forged signature under a known kid causes no fetch. A removed key is refused.
    server.clock.time += COOLDOWN_SECONDS
    expect((await ask(server, client, await newKey('ES256', String(next.jwk.kid)))).status).toBe(401)
    expect(documents.requests).toHaveLength(3)
    expect((await ask(server, client, key)).status).toBe(401)
  })

  it('a jwks_uri that hangs delays no other client, and its own client waits at most 2 s once in 30 s', async () => {
    const { server, documents, uri, key, client } = await setUp()
    documents.set(uri, hang)
    const user = await server.addUser()
    const other = await server.addClient()
    const begin = Date.now()
    const hanging = ask(server, client, key)
    let isDone = false
    void hanging.finally(() => {
      isDone = true
    })
    for (let i = 0; i < 3; i++) {
      await server.signIn(other, user.username)
      await server.requireTokens({ ...MACHINE, ...credentials(other) })
      expect(isDone).toBe(false)
    }
    const response = await hanging
    expect(Date.now() - begin).toBeLessThan(5000)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '30'])
    expect(await response.json()).toEqual(UNAVAILABLE)
    const again = Date.now()
    for (let i = 0; i < 5; i++) expect((await ask(server, client, key)).status).toBe(503)
    expect(Date.now() - again).toBeLessThan(1500)
    expect(documents.requests).toEqual([uri])
    documents.setJson(uri, { keys: [key.jwk] })
    server.clock.time += COOLDOWN_SECONDS
    expect((await ask(server, client, key)).status).toBe(200)
  })

  it.each([
    ['is down', () => Promise.reject(new TypeError('no connection'))],
    ['redirects', () => Response.redirect('https://other.example/jwks', 302)],
    ['has an error', () => new Response('oops', { status: 500 })],
    ['sends a long document', () => Response.json({ keys: ['x'.repeat(70_000)] })],
    ['sends no keys', () => Response.json({ key: [] })],
    ['sends a page', () => new Response('<html></html>')],
  ])('a client uses the last keys for a day while its server %s', async (_case, fault) => {
    const { server, documents, uri, key, client } = await setUp()
    expect((await ask(server, client, key)).status).toBe(200)
    documents.set(uri, fault)
    server.clock.time += OLDEST_KEYS_SECONDS - 1
    for (const isolate of [server, server.anotherIsolate()])
      expect((await ask(isolate, client, key)).status).toBe(200)
    server.clock.time += 1
    for (const isolate of [server, server.anotherIsolate()]) {
      const response = await ask(isolate, client, key)
      expect([response.status, await response.json()]).toEqual([503, UNAVAILABLE])
    }
  })

  it('without KV each isolate fetches the keys, and a changed copy in KV is not used', async () => {
    const { documents, uri, key, client, server } = await setUp()
    const alone = new TestServer({ env: { KV: KV_DOWN } })
    expect((await ask(alone, client, key)).status).toBe(200)
    expect((await ask(server, client, key)).status).toBe(200)
    expect(documents.requests).toEqual([uri, uri])
    const { keys } = await env.KV.list({ prefix: 'jwks:' })
    const stranger = await newKey()
    for (const { name } of keys) {
      const { value, metadata } = await env.KV.getWithMetadata(name)
      if (!value?.includes(String(key.jwk.x))) continue
      const changed = JSON.stringify({ ...JSON.parse(value), keys: [stranger.jwk] })
      await env.KV.put(name, changed, { metadata })
    }
    const isolate = server.anotherIsolate()
    expect((await ask(isolate, client, stranger)).status).toBe(401)
    expect((await ask(isolate, client, key)).status).toBe(200)
  })

  it('a changed jwks_uri ends the keys of the old one at once, also at a refresh in an isolate with an old copy', async () => {
    const { server, documents, uri, key } = await setUp()
    const operator = await TestOperator.signIn(server)
    const test = await server.addClient({ ...CODE_CLIENT, confidential: true, jwksUri: uri })
    const client = new KeyClient(server, test, key)
    const old = server.anotherIsolate()
    const code = await newCode(server, test, (await server.addUser()).id)
    const { client_id: _, client_secret: _secret, ...exchange } = exchangeOf(test, code)
    const send = async (parameters: object) =>
      old.postJson({ ...parameters, ...asserted(await client.sign()) })
    const { refresh_token } = await (await send(exchange)).json<{ refresh_token: string }>()
    const refresh = { grant_type: 'refresh_token', refresh_token }
    const next = `${uri}/next`
    documents.setJson(next, { keys: [(await newKey()).jwk] })
    expect((await operator.patch(`/clients/${test.id}`, { jwks_uri: next }, '"1"')).status).toBe(200)
    const refused = await send(refresh)
    expect([refused.status, await refused.json()]).toEqual([401, REFUSED])
    documents.setJson(next, { keys: [key.jwk] })
    server.clock.time += COOLDOWN_SECONDS
    expect((await send(refresh)).status).toBe(200)
  })

  it('the admin API accepts only a public https URL, and either jwks or jwks_uri', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const draft = {
      client_id: `keys-${crypto.randomUUID()}`,
      api: 'storefront',
      grants: ['client_credentials'],
    }
    const cases: [object, string, string][] = [
      [{ jwks_uri: 'http://partner.example/jwks' }, 'jwks_uri', 'must be https'],
      [{ jwks_uri: 'http://127.0.0.1:9000/jwks' }, 'jwks_uri', 'must be https'],
      [{ jwks_uri: 'https://localhost/jwks' }, 'jwks_uri', 'must have a public host name, and no IP address'],
      [{ jwks_uri: 'https://10.0.0.1/jwks' }, 'jwks_uri', 'must have a public host name, and no IP address'],
      [
        { jwks_uri: 'https://partner.example/jwks', jwks: { keys: [(await newKey()).jwk] } },
        'jwks_uri',
        'must be absent, because the client has jwks',
      ],
      [
        { jwks_uri: 'https://partner.example/jwks', confidential: false, grants: ['password'] },
        'jwks_uri',
        'must be absent, because the client is public',
      ],
    ]
    for (const [changes, path, message] of cases) {
      const { status, body } = await operator.post('/clients', { ...draft, ...changes })
      expect([changes, status, body.errors]).toEqual([changes, 422, [{ path, message }]])
    }
    const good = await operator.post('/clients', { ...draft, jwks_uri: 'https://partner.example/jwks' })
    expect([good.status, good.body]).toMatchObject([201, { client_secret: null, secrets: [] }])
  })

  it('a server of a loopback issuer fetches keys from loopback hosts, and a deployed server never does', async () => {
    const local = new TestServer({ config: { issuer: 'http://localhost:8787' } })
    expect(local.services.outbound.findProblem('http://127.0.0.1:9000/jwks')).toBe(null)
    const { services } = new TestServer()
    expect(services.outbound.findProblem('http://127.0.0.1:9000/jwks')).toBe('must be https')
  })
})
