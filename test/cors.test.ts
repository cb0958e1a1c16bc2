import { describe, expect, it } from 'vitest'
import { CHALLENGE_PATH, challengeOf, STEP_CLIENT } from './support/challenge.ts'
import { FaultyStores } from './support/faults.ts'
import { credentials, emptyStores, TestServer } from './support/server.ts'

const FROM_CONFIG = 'https://www.shop.test'
const preflight = (origin: string, method = 'POST', headers = 'content-type') => ({
  method: 'OPTIONS',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': headers,
  },
})

/** The CORS headers of a response. */
const corsOf = ({ headers }: { headers: Headers }) =>
  Object.fromEntries([...headers].filter(([name]) => /^access-control-|^vary$/.test(name)))

describe('CORS', () => {
  it.each(['/oauth2-token', '/.well-known/jwks.json', '/health'])(
    'CORS allows exact origins before: %s',
    async (path) => {
      const server = new TestServer()
      const response = await server.fetch(path, preflight(FROM_CONFIG))
      expect(response.status).toBe(204)
      const methods = path === '/oauth2-token' ? 'POST,OPTIONS' : 'GET,HEAD,OPTIONS'
      expect(corsOf(response)).toEqual({
        'access-control-allow-origin': FROM_CONFIG,
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'Content-Type,Authorization,DPoP,X-Shop-Version',
        'access-control-expose-headers': 'Age,DPoP-Nonce,ETag,Retry-After,WWW-Authenticate',
        'access-control-max-age': '300',
        vary: 'Origin, Access-Control-Request-Headers',
      })
    },
  )

  it.each([
    'https://evil.example',
    'null',
    'https://www.shop.test.evil.example',
    'http://www.shop.test',
    'https://WWW.shop.test',
    'https://www.shop.test/',
    'https://www.shop.test:443',
    'https://www.shop.test, https://evil.example',
    '*',
  ])('another origin is not reflected: %s', async (origin) => {
    const server = new TestServer()
    const client = await server.addClient()
    const body = { grant_type: 'client_credentials', ...credentials(client) }
    const answers = [
      await server.fetch('/oauth2-token', preflight(origin)),
      await server.postJson(body, { Origin: origin }),
      await server.postJson({}, { Origin: origin }),
      await server.fetch('/.well-known/jwks.json', { headers: { Origin: origin } }),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(answer.headers.get('Vary')).toContain('Origin')
    }
  })

  it.each([
    ['DELETE', 'content-type'],
    ['GET', 'content-type'],
    ['POST', 'x-evil'],
    ['POST', 'content-type, x-evil'],
  ])('no other method and no other header is allowed: %s, %s', async (method, headers) => {
    const response = await new TestServer().fetch('/oauth2-token', preflight(FROM_CONFIG, method, headers))
    expect(corsOf(response)).toMatchObject({
      'access-control-allow-methods': 'POST,OPTIONS',
      'access-control-allow-headers': 'Content-Type,Authorization,DPoP,X-Shop-Version',
    })
  })

  it('no response allows credentials, because no endpoint with CORS uses a cookie', async () => {
    const server = new TestServer()
    const answers = [
      await server.fetch('/oauth2-token', preflight(FROM_CONFIG)),
      await server.postJson({}, { Origin: FROM_CONFIG, Cookie: 'a=b' }),
    ]
    for (const { headers } of answers) expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
  })

  it('every response has Vary: Origin, so that caches keep origins apart', async () => {
    const server = new TestServer()
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/revocations']) {
      const { headers } = await server.fetch(path)
      expect(corsOf({ headers })).toMatchObject({ vary: 'Origin' })
      const again = { 'If-None-Match': headers.get('ETag') ?? '' }
      for (const [origin, allowed] of [
        [FROM_CONFIG, FROM_CONFIG],
        ['https://evil.example', undefined],
      ] as const) {
        const response = await server.fetch(path, { headers: { ...again, Origin: origin } })
        expect([response.status, corsOf(response)]).toEqual([
          304,
          { vary: 'Origin', ...(allowed && { 'access-control-allow-origin': allowed }) },
        ])
      }
    }
  })

  it('the admin API and the console have no CORS', async () => {
    const server = new TestServer()
    for (const path of [
      '/admin/api/me',
      '/admin/api/openapi.json',
      '/admin/api/nowhere',
      '/console/callback',
    ]) {
      for (const init of [preflight(FROM_CONFIG), { headers: { Origin: FROM_CONFIG } }]) {
        expect(corsOf(await server.fetch(path, init))).toEqual({})
      }
    }
  })

  it('a preflight for an unknown path gets 404 and allows no origin', async () => {
    const response = await new TestServer().fetch('/nowhere', preflight(FROM_CONFIG))
    expect([response.status, corsOf(response)]).toEqual([404, { vary: 'Origin' }])
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('the last known origins of clients are used while the stores are down', async () => {
    const stores = new FaultyStores()
    const server = new TestServer({ env: stores.env })
    await emptyStores()
    await server.addClient({ origins: ['https://app.example'] })
    const read = () => server.fetch('/.well-known/jwks.json', { headers: { Origin: 'https://app.example' } })
    expect((await read()).status).toBe(200)
    stores.up = false
    server.clock.time += 86_400
    const response = await read()
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([
      200,
      'https://app.example',
    ])
  })

  it('without known origins a GET succeeds without CORS, and a preflight fails', async () => {
    const warm = new TestServer()
    await warm.fetch('/.well-known/jwks.json')
    const stores = new FaultyStores()
    stores.up = false
    const cold = () => new TestServer({ env: stores.env })
    for (const path of ['/health', '/.well-known/openid-configuration', '/.well-known/jwks.json']) {
      const response = await cold().fetch(path, { headers: { Origin: 'https://unknown.example' } })
      expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([200, null])
    }
    const asked = await cold().fetch('/oauth2-token', preflight('https://unknown.example'))
    expect([asked.status, asked.headers.get('Retry-After')]).toEqual([503, '2'])
  })

  it('an origin in config.yml can read responses and errors', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const origin = { Origin: FROM_CONFIG }
    const answers = [
      await server.postJson({ grant_type: 'client_credentials', ...credentials(client) }, origin),
      await server.postJson({}, origin),
      await server.fetch('/nowhere', { headers: origin }),
      await server.fetch('/.well-known/jwks.json', { headers: origin }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([200, 400, 404, 200])
    for (const answer of answers) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(FROM_CONFIG)
      expect(answer.headers.get('Vary')).toBe('Origin')
    }
  })

  it("a client's origin can read the responses to that client, and to no other client", async () => {
    await emptyStores()
    const server = new TestServer()
    const client = await server.addClient({ confidential: false, origins: ['https://app.example'] })
    const other = await server.addClient({ origins: ['https://other.example'] })
    const disabled = await server.addClient({ origins: ['https://gone.example'], enabled: false })
    const guest = { grant_type: 'password', username: 'guest', password: 'guest' }
    const allowed = async (as: typeof client, origin: string) => {
      const response = await server.postJson({ ...guest, ...credentials(as) }, { Origin: origin })
      return response.headers.get('Access-Control-Allow-Origin')
    }
    expect(await allowed(client, 'https://app.example')).toBe('https://app.example')
    expect(await allowed(client, 'https://other.example')).toBeNull()
    expect(await allowed(other, 'https://other.example')).toBe('https://other.example')
    expect(await allowed(disabled, 'https://gone.example')).toBeNull()
    const preflighted = async (origin: string) =>
      (await server.fetch('/oauth2-token', preflight(origin))).headers.get('Access-Control-Allow-Origin')
    expect(await preflighted('https://app.example')).toBe('https://app.example')
    expect(await preflighted('https://gone.example')).toBeNull()
  })

  it('only the origins of a client can read its responses of the challenge endpoint', async () => {
    await emptyStores()
    const server = new TestServer()
    const shop = await server.addClient(STEP_CLIENT)
    const origin = 'https://headless.test'
    const client = await server.addClient({ ...STEP_CLIENT, origins: [origin] })
    const allowed = { 'access-control-allow-origin': origin, vary: 'Origin' }
    for (const changes of [{}, { response_type: 'token' }, { auth_session: 'x' }]) {
      const { headers } = await server.postJson(
        challengeOf(client, changes),
        { Origin: origin },
        CHALLENGE_PATH,
      )
      expect(corsOf({ headers })).toMatchObject(allowed)
    }
    for (const [as, from] of [
      [client, 'https://evil.test'],
      [shop, origin],
    ] as const) {
      const { headers } = await server.postJson(challengeOf(as), { Origin: from }, CHALLENGE_PATH)
      expect([headers.get('Access-Control-Allow-Origin'), headers.get('Vary')]).toEqual([null, 'Origin'])
    }
    const asked = await server.fetch(CHALLENGE_PATH, preflight(origin))
    expect([asked.status, corsOf(asked)]).toMatchObject([
      204,
      { 'access-control-allow-origin': origin, 'access-control-allow-methods': 'POST,OPTIONS' },
    ])
    expect(asked.headers.get('Access-Control-Allow-Credentials')).toBeNull()
  })
})
