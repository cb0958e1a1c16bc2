import { describe, expect, it } from 'vitest'
import { credentials, ISSUER, TestServer } from './support/server.ts'

const HOST = ISSUER.slice('https://'.length)

/** Other addresses of the same Worker. */
const OTHERS = [
  ['plain http', `http://${HOST}`],
  ['workers.dev', 'https://sallyport.example.workers.dev'],
  ['another port', `${ISSUER}:8443`],
  ['a host with the issuer as its beginning', `${ISSUER}.evil.test`],
  ['a host with a final dot', `${ISSUER}.`],
  ['an IP address', 'http://192.0.2.1'],
] as const

const PATHS = [
  '/oauth2-token',
  '/oauth2-token/revoke',
  '/oauth2-token/introspect',
  '/admin/api/me',
  '/console/',
  '/.well-known/jwks.json',
  '/.well-known/oauth-authorization-server',
  '/revocations',
  '/unknown',
]

describe('a request to another address than the https issuer', () => {
  it.each(OTHERS)('a request over %s gets 421 at every path', async (_case, origin) => {
    const server = new TestServer()
    for (const path of PATHS) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const response = await server.send(new Request(origin + path, { method }))
        expect(response.status).toBe(421)
        expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
        expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
        expect(response.headers.get('Strict-Transport-Security')).toBe('max-age=31536000')
        expect(await response.json()).toEqual({
          error: 'invalid_request',
          error_description: 'Send the request to the URL of the issuer, by https.',
        })
      }
    }
  })

  it('headers that name the issuer do not change the 421', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...credentials(client) })
    const headers = {
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': HOST,
      Forwarded: `proto=https;host=${HOST}`,
      Host: HOST,
    }
    const post = (origin: string) =>
      server.send(new Request(`${origin}/oauth2-token`, { method: 'POST', headers, body }))
    expect((await post(`http://${HOST}`)).status).toBe(421)
    expect((await post('https://sallyport.example.workers.dev')).status).toBe(421)
    expect((await post(ISSUER)).status).toBe(200)
  })

  it('a health check gets a response at any URL', async () => {
    const server = new TestServer()
    for (const [, origin] of OTHERS) {
      const statuses = ['/health', '/health/ready', '/health?x=1'].map(
        async (path) => (await server.send(new Request(origin + path))).status,
      )
      expect(await Promise.all(statuses)).toEqual([200, 200, 200])
    }
  })

  it('the 421 has a message with errors: oro', async () => {
    const server = new TestServer({ config: { errors: 'oro' } })
    const response = await server.send(new Request(`http://${HOST}/oauth2-token`))
    const description = 'Send the request to the URL of the issuer, by https.'
    expect([response.status, await response.json()]).toEqual([
      421,
      { error: 'invalid_request', error_description: description, message: description },
    ])
  })
})

describe('a server on a loopback issuer', () => {
  it('a server with a loopback issuer responds at any URL', async () => {
    const server = new TestServer({ config: { issuer: 'http://127.0.0.1:8787' } })
    for (const origin of ['http://127.0.0.1:8787', 'http://localhost:9999', 'https://tunnel.example']) {
      const response = await server.send(new Request(`${origin}/.well-known/jwks.json`))
      expect(response.status).toBe(200)
    }
  })
})
