import { describe, expect, it } from 'vitest'
import { credentials, emptyStores, TestServer } from './support/server.ts'

const FROM_CONFIG = 'https://www.shop.test'
const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type',
  },
})

describe('CORS', () => {
  it.each(['/oauth2-token', '/.well-known/jwks.json', '/health'])(
    'allows exact origins before: %s',
    async (path) => {
      const server = new TestServer()
      const response = await server.fetch(path, preflight(FROM_CONFIG))
      expect(response.status).toBe(204)
      const methods = path === '/oauth2-token' ? 'POST,OPTIONS' : 'GET,HEAD,OPTIONS'
      expect(Object.fromEntries(response.headers)).toEqual({
        'access-control-allow-origin': FROM_CONFIG,
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'Content-Type,Authorization,X-Shop-Version',
        'access-control-expose-headers': 'Age,ETag,Retry-After',
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
  ])('reflects no other origin: %s', async (origin) => {
    const server = new TestServer()
    const client = await server.addClient()
    const body = { grant_type: 'client_credentials', ...credentials(client) }
    const answers = [
      await server.fetch('/oauth2-token', preflight(origin)),
      await server.postJson(body, { Origin: origin }),
      await server.postJson({}, { Origin: origin }),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(answer.headers.get('Vary')).toContain('Origin')
    }
  })

  it('lets an origin of config.yml read answers and errors', async () => {
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

  it("lets a client's own origin read the answers to that client, and to no other", async () => {
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
})
