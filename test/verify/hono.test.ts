import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { requireToken } from '../../packages/verify/src/hono.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'

async function shop() {
  const issuer = await createTestIssuer()
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
  const app = new Hono()
    .get('/cart', requireToken(verifier, { scope: 'cart' }), (c) => c.json({ owner: c.get('token').subject }))
    .get('/broken', requireToken(verifier), () => {
      throw new Error('of the handler')
    })
  app.onError((error, c) => c.text(error.message, 500))
  const get = (path: string, token?: string) =>
    app.request(path, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
  return { issuer, get }
}

/** The code and the challenge of a refusal (RFC 6750 §3). */
function refusal(code: string): [string, string] {
  return [code, `Bearer realm="sallyport", error="${code}", scope="cart"`]
}

describe('requireToken', () => {
  it('the middleware passes the claims to the handler', async () => {
    const { issuer, get } = await shop()
    const response = await get(
      '/cart',
      await issuer.mint({ audience: AUDIENCE, scope: 'cart', subject: 'user:7' }),
    )
    expect([response.status, await response.json()]).toEqual([200, { owner: 'user:7' }])
  })

  it.each([
    ['no token', undefined, 401, 'missing_token', 'Bearer realm="sallyport", scope="cart"'],
    ['a token of another API', { audience: 'https://other.test' }, 401, ...refusal('invalid_token')],
    ['a token without the scope', { audience: AUDIENCE }, 403, ...refusal('insufficient_scope')],
  ])('the middleware refuses a request with %s', async (_case, mint, status, code, challenge) => {
    const { issuer, get } = await shop()
    const response = await get('/cart', mint && (await issuer.mint(mint)))
    expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([status, challenge])
    expect([await response.json(), response.headers.get('Cache-Control')]).toEqual([
      { error: code },
      'no-store',
    ])
  })

  it('the middleware responds with 503 and no challenge while the keys cannot be fetched', async () => {
    const { issuer, get } = await shop()
    const token = await issuer.mint({ audience: AUDIENCE, scope: 'cart' })
    issuer.isUp = false
    const response = await get('/cart', token)
    expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([503, null])
    expect(await response.json()).toEqual({ error: 'temporarily_unavailable' })
  })

  it('the middleware does not catch errors of handlers', async () => {
    const { issuer, get } = await shop()
    const response = await get('/broken', await issuer.mint({ audience: AUDIENCE }))
    expect([response.status, await response.text()]).toEqual([500, 'of the handler'])
  })
})
