import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { authenticateClient } from '../src/clients/authenticate_client.ts'
import { generateClientSecret, hashClientSecret, verifyClientSecret } from '../src/clients/client_secret.ts'
import { parseClientCredentials } from '../src/oauth/client_authentication.ts'
import { Parameters } from '../src/oauth/parameters.ts'
import { CHANGE_LIST_SECONDS } from '../src/storage/copy_ages.ts'
import { countingD1, D1_DOWN, KV_DOWN } from './support/faults.ts'
import { basic, credentials, type TestClient, TestServer } from './support/server.ts'

function postForm(server: TestServer, path: string, body: Record<string, string>, authorization: string) {
  const headers = { Authorization: authorization }
  return server.fetch(path, { method: 'POST', headers, body: new URLSearchParams(body) })
}

const GRANT = { grant_type: 'client_credentials' }

describe('client authentication', () => {
  it('Basic works in any case of the scheme, with both halves percent-decoded, split at the first colon', async () => {
    const server = new TestServer()
    const secret = 'a:b%c d+é'
    const hash = await hashClientSecret(secret)
    const client = await server.addClient({ secrets: [{ hash, createdAt: 0, expiresAt: null }] })
    for (const scheme of ['Basic', 'basic', 'BASIC']) {
      const authorization = basic(client.id, secret).replace('Basic', scheme)
      expect((await server.postForm(GRANT, { Authorization: authorization })).status).toBe(200)
    }
  })

  it('Basic may come with the same client_id in the body', async () => {
    const server = new TestServer()
    const { id, secret } = await server.addClient()
    const response = await server.postForm({ ...GRANT, client_id: id }, { Authorization: basic(id, secret) })
    expect(response.status).toBe(200)
  })

  it('client authentication ignores JSON members that it does not read, of any type (RFC 6749 §3.2)', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const unknown = { flag: true, number: 1, list: [1, { a: 'b' }], object: { scope: 'x' }, none: null }
    const unread = { username: 5, password: {}, refresh_token: [], token_type_hint: 1 }
    const response = await server.postJson({
      ...GRANT,
      ...credentials(client),
      ...unknown,
      ...unread,
      scope: null,
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      token_type: 'Bearer',
      expires_in: 3600,
      access_token: expect.any(String),
      scope: 'cart orders catalog',
    })
  })

  it.each(['Bearer an-old-token', 'Bearer null', 'Bearer', 'Digest username="x"', ''])(
    'the body decides if the Authorization header has another scheme: %s',
    async (authorization) => {
      const server = new TestServer()
      const client = await server.addClient()
      const { access_token } = await server.requireTokens({ ...GRANT, ...credentials(client) })
      const headers = { Authorization: authorization }
      for (const [path, parameters] of [
        ['/oauth2-token', GRANT],
        ['/oauth2-token/introspect', { token: access_token }],
        ['/oauth2-token/revoke', { token: access_token }],
      ] as const) {
        const good = await server.postJson({ ...parameters, ...credentials(client) }, headers, path)
        expect(good.status).toBe(200)
        const wrong = await server.postJson(
          { ...parameters, client_id: client.id, client_secret: 'wrong' },
          headers,
          path,
        )
        expect([wrong.status, wrong.headers.get('WWW-Authenticate')]).toEqual([401, null])
        expect(await wrong.json()).toEqual({
          error: 'invalid_client',
          error_description: 'Client authentication failed.',
        })
      }
    },
  )

  it.each(['/oauth2-token', '/oauth2-token/revoke', '/oauth2-token/introspect'])(
    'with errors: oro the body wins over Basic; otherwise both together are refused: %s',
    async (path) => {
      const oro = new TestServer({ config: { errors: 'oro' } })
      const client = await oro.addClient()
      const body = { ...GRANT, token: 'x', ...credentials(client) }
      for (const authorization of [basic('nobody', 'wrong'), 'Basic !!!']) {
        expect((await postForm(oro, path, body, authorization)).status).toBe(200)
      }
      const other = await postForm(new TestServer(), path, body, basic('nobody', 'wrong'))
      expect(other.status).toBe(400)
      expect(await other.json()).toEqual({
        error: 'invalid_request',
        error_description: 'The client must authenticate in one way only.',
      })
    },
  )

  it.each([
    ['a plus', 'c+d'],
    ['a percent sequence', 'c%2Bd'],
    ['a broken percent sequence', '100%'],
    ['a percent sequence that is not UTF-8', '%ff'],
  ])(
    'a Basic secret that the client did not encode is accepted, as in OroCommerce: %s',
    async (_case, end) => {
      const server = new TestServer()
      const secret = crypto.randomUUID() + end
      const hash = await hashClientSecret(secret)
      const { id } = await server.addClient({ secrets: [{ hash, createdAt: 0, expiresAt: null }] })
      const raw = (half: string) => ({ Authorization: `Basic ${btoa(`${id}:${half}`)}` })
      expect((await server.postForm(GRANT, raw(secret))).status).toBe(200)
      expect((await server.postForm(GRANT, { Authorization: basic(id, secret) })).status).toBe(200)
      const wrong = await server.postForm(GRANT, raw(`${secret}%`))
      expect(wrong.status).toBe(401)
      expect(wrong.headers.get('WWW-Authenticate')).toBe('Basic realm="sallyport", charset="UTF-8"')
      expect(await wrong.json()).toEqual({
        error: 'invalid_client',
        error_description: 'Client authentication failed.',
      })
    },
  )

  it('both readings of a Basic secret are hashed, also for an unknown client', async () => {
    const server = new TestServer()
    const unique = crypto.randomUUID()
    const [decoded, raw] = await Promise.all(
      [`${unique} d`, `${unique}+d`].map(async (secret) => {
        const hash = await hashClientSecret(secret)
        return server.addClient({ secrets: [{ hash, createdAt: 0, expiresAt: null }] })
      }),
    )
    const digest = vi.spyOn(crypto.subtle, 'digest')
    const hashes: number[] = []
    for (const id of [decoded?.id, raw?.id, 'nobody']) {
      for (const secret of [`${unique}+d`, unique]) {
        digest.mockClear()
        await authenticateClient(
          parseClientCredentials(`Basic ${btoa(`${id}:${secret}`)}`, new Parameters(new Map())),
          server.services,
          server.context(),
        ).catch(() => null)
        hashes.push(digest.mock.calls.length)
      }
    }
    expect(hashes).toEqual([2, 2, 2, 2, 2, 2])
    digest.mockRestore()
  })

  it.each([
    ['no credentials', 'Basic'],
    ['broken base64', 'Basic !!!'],
    ['a broken percent sequence', `Basic ${btoa('client:%zz')}`],
    ['bytes that are not UTF-8', `Basic ${btoa('client:\xff')}`],
    ['no client id', `Basic ${btoa(':secret')}`],
    ['no colon', `Basic ${btoa('client')}`],
    ['an unknown client', basic('nobody', 'secret')],
  ])('an invalid Authorization header is refused with a challenge: %s', async (_case, authorization) => {
    const response = await new TestServer().postForm(GRANT, { Authorization: authorization })
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe('Basic realm="sallyport", charset="UTF-8"')
    expect(await response.json()).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed.',
    })
  })

  it('an unknown client, a wrong secret and a disabled client get byte-equal responses without a challenge', async () => {
    const server = new TestServer()
    const known = await server.addClient()
    const disabled = await server.addClient({ enabled: false })
    const publicClient = await server.addClient({ confidential: false })
    const attempts: Record<string, string>[] = [
      { client_id: 'nobody', client_secret: known.secret },
      { client_id: 'visitor:x', client_secret: known.secret },
      { client_id: '🔑', client_secret: known.secret },
      { client_id: known.id, client_secret: 'wrong' },
      { client_id: known.id },
      { client_id: disabled.id, client_secret: disabled.secret },
      { client_id: publicClient.id, client_secret: 'a public client has none' },
    ]
    const answers = new Set<string>()
    for (const attempt of attempts) {
      const response = await server.postJson({ ...GRANT, ...attempt })
      answers.add(JSON.stringify([response.status, [...response.headers], await response.text()]))
    }
    expect(answers.size).toBe(1)
    const [answer = ''] = answers
    expect(JSON.parse(answer)[0]).toBe(401)
    expect(answer).not.toContain('www-authenticate')
  })

  it('an unknown client costs the same hashes as a known one', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const stored = await server.services.clientTable.find(client.id)
    const digest = vi.spyOn(crypto.subtle, 'digest')
    await verifyClientSecret(['wrong'], stored?.authentication ?? null, 0)
    expect(digest).toHaveBeenCalledTimes(1)
    await verifyClientSecret(['wrong'], null, 0)
    expect(digest).toHaveBeenCalledTimes(2)
    digest.mockRestore()
  })

  it('either of two live secrets works, and an ended one does not', async () => {
    const server = new TestServer()
    const [first, second, ended] = [generateClientSecret(), generateClientSecret(), generateClientSecret()]
    const now = server.clock.time
    const record = async (secret: string, expiresAt: number | null) => ({
      hash: await hashClientSecret(secret),
      createdAt: now - 10,
      expiresAt,
    })
    const secrets = [await record(ended, now), await record(first, now + 60), await record(second, null)]
    const client = await server.addClient({ secrets })
    const statusWith = async (secret: string) =>
      (await server.postJson({ ...GRANT, client_id: client.id, client_secret: secret })).status
    expect(await Promise.all([first, second, ended].map(statusWith))).toEqual([200, 200, 401])
    server.clock.time = now + 60
    expect(await Promise.all([first, second, ended].map(statusWith))).toEqual([401, 200, 401])
  })

  it('a generated secret has 256 random bits after a prefix', async () => {
    expect(generateClientSecret()).toMatch(/^sps_[A-Za-z0-9_-]{43}$/)
    expect(generateClientSecret()).not.toBe(generateClientSecret())
  })

  it('a new secret and a new client work in every isolate within seconds', async () => {
    const server = new TestServer()
    const elsewhere = server.anotherIsolate()
    const { id, secret, record } = await server.addClient()
    await elsewhere.requireTokens({ ...GRANT, client_id: id, client_secret: secret })
    const newSecret = generateClientSecret()
    const asNew = { ...GRANT, client_id: `${id}-2`, client_secret: newSecret }
    expect((await elsewhere.postJson(asNew)).status).toBe(401)
    const hash = await hashClientSecret(newSecret)
    await env.DB.prepare('UPDATE client_secrets SET secret_hash = ? WHERE client_id = ?')
      .bind(`${hash}=`, id)
      .run()
    const secrets = [{ hash, createdAt: server.clock.time, expiresAt: null }]
    await server.addClient({ ...record, id: asNew.client_id, secrets })
    server.clock.time += CHANGE_LIST_SECONDS.max + 1
    await elsewhere.requireTokens(asNew)
    expect((await elsewhere.postJson({ ...asNew, client_id: id, client_secret: secret })).status).toBe(401)
  })

  it('a public client never gets client_credentials, even if its record lists the grant', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    const response = await server.postJson({ ...GRANT, ...credentials(client) })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'unauthorized_client' })
  })

  it('a client of an API that config.yml does not have is refused', async () => {
    const server = new TestServer()
    const client = await server.addClient({ api: 'wholesale' })
    const response = await server.postJson({ ...GRANT, ...credentials(client) })
    expect(response.status).toBe(401)
  })
})

describe('the client stores', () => {
  const request = (server: TestServer, client: TestClient) =>
    server.postJson({ ...GRANT, ...credentials(client) })

  it('a client without a copy in KV is read from D1, and the copy is written', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const first = countingD1()
    expect((await request(new TestServer({ env: { DB: first.db } }), client)).status).toBe(200)
    expect(first.statements.filter((sql) => sql.includes('FROM clients c'))).toHaveLength(1)
    const second = countingD1()
    expect((await request(new TestServer({ env: { DB: second.db } }), client)).status).toBe(200)
    expect(second.statements).toEqual([expect.stringContaining('FROM copy_changes WHERE')])
  })

  it('clients are read from D1 while KV is down', async () => {
    const client = await new TestServer().addClient()
    expect((await request(new TestServer({ env: { KV: KV_DOWN } }), client)).status).toBe(200)
  })

  it('a client that was changed by SQL is read from D1, and from the copy while D1 is down', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    await request(server, client)
    await env.DB.prepare('UPDATE clients SET enabled = 0 WHERE client_id = ?').bind(client.id).run()
    const down = new TestServer({ env: { DB: D1_DOWN }, clock: server.clock })
    expect((await request(down, client)).status).toBe(200)
    expect((await request(server.anotherIsolate(), client)).status).toBe(401)
  })

  it('the copy of a deleted client is removed', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    await request(server, client)
    await env.DB.prepare('DELETE FROM clients WHERE client_id = ?').bind(client.id).run()
    server.clock.time += 3600
    await request(server.anotherIsolate(), client)
    expect(await env.KV.get(`client:${client.id}`)).toBeNull()
  })

  it('the second request reads the client from memory, without a store call', async () => {
    const client = await new TestServer().addClient()
    const { db, statements } = countingD1()
    const server = new TestServer({ env: { DB: db } })
    await request(server, client)
    statements.length = 0
    expect((await request(server, client)).status).toBe(200)
    expect(statements).toEqual([])
  })

  it('unknown ids have a budget of D1 reads', async () => {
    const { db, statements } = countingD1()
    const server = new TestServer({ env: { DB: db } })
    const client = await server.addClient()
    // The isolate has read the list of changes.
    await request(server, client)
    server.clock.time += 31
    statements.length = 0
    const statuses: number[] = []
    for (let i = 0; i < 80; i++) {
      statuses.push((await server.postJson({ ...GRANT, client_id: `made-up-${i}` })).status)
    }
    expect(statements.filter((sql) => sql.includes('FROM clients'))).toHaveLength(50)
    expect(statuses.filter((status) => status === 401)).toHaveLength(50)
    expect(statuses.filter((status) => status === 503)).toHaveLength(30)
    server.clock.time += 10
    expect((await request(server, client)).status).toBe(200)
  })
})
