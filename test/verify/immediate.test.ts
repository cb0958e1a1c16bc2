import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { requireToken } from '../../packages/verify/src/hono.ts'
import { createVerifier, TokenError, type VerifierOptions } from '../../packages/verify/src/index.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { credentials, ISSUER, STOREFRONT_AUDIENCE, TestServer } from '../support/server.ts'

type Fetch = NonNullable<VerifierOptions['fetch']>

const AUDIENCE = 'https://shop.test/api'
const CLIENT = { clientId: 'api', clientSecret: 's p:ä' }
const NOW = Math.floor(Date.now() / 1000)

async function setUp(answer?: () => Promise<Response>, introspection = CLIENT) {
  const issuer = await createTestIssuer()
  const introspections: { authorization: string | undefined; body: string | undefined }[] = []
  const fetch: Fetch = async (url, init) => {
    if (!url.endsWith('/introspect')) return issuer.fetch(url, init)
    introspections.push({ authorization: init.headers.Authorization, body: init.body })
    return answer ? answer() : issuer.fetch(url, init)
  }
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch, introspection })
  return { issuer, fetch, introspections, verifier }
}

const REFUSED = { code: 'invalid_token', status: 401 }

describe('an immediate request', () => {
  it('the API refuses a revoked token at once, while another request still uses the list of the last poll', async () => {
    const { issuer, introspections, verifier } = await setUp()
    const app = new Hono()
      .get('/cart', requireToken(verifier), (c) => c.text('cart'))
      .get('/pay', requireToken(verifier, { immediate: true }), (c) => c.text('paid'))
    const token = await issuer.mint({ audience: AUDIENCE, sid: 's1.x' })
    const statuses = () =>
      Promise.all(
        ['/cart', '/pay'].map(async (path) => {
          const headers = { Authorization: `Bearer ${token}` }
          return (await app.request(path, { headers })).status
        }),
      )
    expect(await statuses()).toEqual([200, 200])
    issuer.revoke({ sid: 's1.x', before: NOW + 60 })
    expect(await statuses()).toEqual([200, 401])
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString()
    // RFC 6749 §2.3.1: form encoding, then Basic.
    const request = { authorization: `Basic ${btoa('api:s%20p%3A%C3%A4')}`, body }
    expect(introspections).toEqual([request, request])
  })

  it('a forged, expired or foreign token causes no introspection', async () => {
    const { issuer, introspections, verifier } = await setUp()
    const other = await createTestIssuer()
    const tokens = [
      'garbage',
      await other.mint({ audience: AUDIENCE }),
      await issuer.mint({ audience: 'https://other.test' }),
      await issuer.mint({ audience: AUDIENCE, issuedAt: NOW - 100, expiresAt: NOW - 50 }),
    ]
    for (const token of tokens)
      await expect(verifier.verify(token, { immediate: true })).rejects.toMatchObject(REFUSED)
    expect(introspections).toEqual([])
  })

  const BROKEN: [what: string, answer: () => Promise<Response>, reason: string][] = [
    [
      'cannot be reached',
      async () => {
        throw new Error('down')
      },
      'down',
    ],
    [
      'refuses the client of the API',
      async () => new Response('{"error":"invalid_client"}', { status: 401 }),
      'https://issuer.test/introspect returned status 401',
    ],
    [
      'has spent the budget of the API',
      async () => new Response('', { status: 429 }),
      'https://issuer.test/introspect returned status 429',
    ],
    ['sends no state', async () => Response.json({ error: 'x' }), 'the response has no member active'],
    ['sends a list', async () => Response.json([]), 'the response has no member active'],
    [
      'sends a response without an end',
      async () => new Response(' '.repeat(70_000)),
      'the introspection response is larger than 65536 bytes',
    ],
  ]

  it.each(BROKEN)(
    'the API responds with 503 when the introspection endpoint %s',
    async (_what, answer, reason) => {
      const { issuer, verifier } = await setUp(answer)
      const token = await issuer.mint({ audience: AUDIENCE })
      await expect(verifier.verify(token, { immediate: true })).rejects.toMatchObject({
        code: 'temporarily_unavailable',
        status: 503,
        challenge: null,
        message: `the token cannot be introspected: ${reason}`,
      })
      await verifier.verify(token)
    },
  )

  it.each([undefined, 'https://elsewhere.test/introspect'])(
    'the verifier sends no secret to the introspection endpoint %s',
    async (endpoint) => {
      const { issuer, fetch, introspections } = await setUp()
      const changed: Fetch = async (url, init) => {
        const response = await fetch(url, init)
        if (!url.endsWith('/.well-known/oauth-authorization-server')) return response
        return Response.json({ ...(await response.json<object>()), introspection_endpoint: endpoint })
      }
      const common = { issuer: issuer.url, audience: AUDIENCE, introspection: CLIENT }
      const verifier = createVerifier({ ...common, fetch: changed })
      const token = await issuer.mint({ audience: AUDIENCE })
      const refusal = await verifier.verify(token, { immediate: true }).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(TokenError)
      expect(refusal).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
      await verifier.verify(token)
      expect(introspections).toEqual([])
    },
  )

  it('immediate without the option introspection throws a TypeError, also for a bad token', async () => {
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE })
    const refusal = new TypeError('immediate needs the option introspection')
    await expect(verifier.verify('garbage', { immediate: true })).rejects.toThrow(refusal)
  })

  it.each([
    [{ clientId: '', clientSecret: 'x' }, 'introspection.clientId must be text that is not empty'],
    [{ clientId: 'x' }, 'introspection.clientSecret must be text that is not empty'],
    [null, 'introspection must be an object'],
  ])('createVerifier refuses the introspection client %j', (introspection, message) => {
    const options = { issuer: ISSUER, audience: AUDIENCE, introspection } as VerifierOptions
    expect(() => createVerifier(options)).toThrow(new TypeError(message))
  })
})

describe('an immediate request with the server', () => {
  it('the API refuses a token right after its refresh token was revoked, and uses the rights of the user now', async () => {
    const server = new TestServer()
    const [client, api] = [await server.addClient(), await server.addClient()]
    const user = await server.addUser({ roles: ['vip'] })
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      introspection: { clientId: api.id, clientSecret: api.secret },
      fetch: (url, init) => {
        const { pathname, search } = new URL(url)
        return server.fetch(pathname + search, init)
      },
    })
    const options = { immediate: true, scope: 'cart', now: server.clock.time }
    const { access_token, refresh_token } = await server.signIn(client, user.username)
    expect(await verifier.verify(access_token, options)).toMatchObject({
      subject: user.id,
      roles: ['vip'],
      scope: ['cart', 'orders', 'catalog'],
    })

    await env.DB.batch([
      env.DB.prepare('UPDATE users SET roles = ? WHERE id = ?').bind('[]', user.id),
      env.DB.prepare('UPDATE clients SET scopes = ? WHERE client_id = ?').bind('["cart"]', client.id),
    ])
    expect(await verifier.verify(access_token, options)).toMatchObject({ roles: [], scope: ['cart'] })
    await expect(verifier.verify(access_token, { ...options, scope: 'orders' })).rejects.toMatchObject({
      code: 'insufficient_scope',
      challenge: 'Bearer realm="sallyport", error="insufficient_scope", scope="orders"',
    })
    expect(await verifier.verify(access_token, { ...options, immediate: false })).toMatchObject({
      roles: ['vip'],
    })

    const revocation = { ...credentials(client), token: refresh_token }
    await server.postJson(revocation, {}, '/oauth2-token/revoke')
    await expect(verifier.verify(access_token, options)).rejects.toMatchObject(REFUSED)
  })
})
