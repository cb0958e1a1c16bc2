import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import type { VerifierOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer, type MintOptions } from '../../packages/verify/src/testing.ts'
import { TokenError } from '../../packages/verify/src/token_error.ts'
import { createVerifier, type Verifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

/** Refusals of a header, with the parts for the client and the reason for the log. */
const MISSING = { code: 'missing_token', challenge: 'Bearer realm="sallyport"', reason: 'no access token' }
const INVALID = {
  code: 'invalid_token',
  challenge: 'Bearer realm="sallyport", error="invalid_token"',
  reason: 'the Authorization header has no bearer token',
}

async function setUp(options: Partial<VerifierOptions> = {}) {
  const issuer = await createTestIssuer()
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch, ...options })
  return {
    issuer,
    verifier,
    mint: (more: Partial<MintOptions> = {}) => issuer.mint({ audience: AUDIENCE, ...more }),
  }
}

function bearer(token: string): Request {
  return new Request('https://shop.test/api/cart', { headers: { Authorization: `Bearer ${token}` } })
}

async function refusalOf(verifier: Verifier, input: Request | string, scope = ''): Promise<TokenError> {
  const error: unknown = await verifier.verify(input, { scope, now: NOW }).catch((thrown: unknown) => thrown)
  if (!(error instanceof TokenError)) throw new Error(`not refused: ${JSON.stringify(error)}`)
  return error
}

describe('a verifier', () => {
  it('verify returns the claims of a token or of the bearer token of a request', async () => {
    const { verifier, mint } = await setUp()
    const token = await mint({
      subject: 'user:1',
      clientId: 'shop',
      sid: 's1.x',
      scope: 'cart orders',
      roles: ['admin'],
      visitorId: 'visitor:2',
    })
    const claims = {
      issuer: 'https://issuer.test',
      audience: AUDIENCE,
      subject: 'user:1',
      clientId: 'shop',
      issuedAt: expect.any(Number),
      expiresAt: expect.any(Number),
      jti: expect.any(String),
      sid: 's1.x',
      scope: ['cart', 'orders'],
      roles: ['admin'],
      visitorId: 'visitor:2',
      isGuest: false,
      mustChangePassword: false,
      passwordBreached: false,
      authTime: null,
      amr: [],
      acr: null,
      keyThumbprint: null,
      payload: decodeJwt(token),
    }
    expect(await verifier.verify(bearer(token), { scope: 'cart orders' })).toEqual(claims)
    expect(await verifier.verify(token)).toEqual(claims)
    const guest = await verifier.verify(await mint({ subject: 'visitor:3' }))
    expect(guest).toMatchObject({ isGuest: true, sid: null, scope: [], roles: [], visitorId: null })
  })

  it('the verifier fetches each document once, and later requests cause no fetch', async () => {
    const { issuer, verifier, mint } = await setUp()
    const token = await mint()
    for (let i = 0; i < 20; i++) await verifier.verify(token, { now: NOW + Math.floor(i / 3) })
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token, { now: NOW })))
    expect(issuer.requests).toEqual([
      '/.well-known/oauth-authorization-server',
      '/.well-known/jwks.json',
      '/revocations',
    ])
  })

  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('the verifier accepts %s', async (alg) => {
    const issuer = await createTestIssuer({ alg })
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
    await verifier.verify(await issuer.mint({ audience: AUDIENCE }))
  })
})

describe('a refusal', () => {
  it.each([
    ['no header', {}, MISSING],
    ['an empty header', { Authorization: '' }, MISSING],
    ['a live token without a scheme', { Authorization: '<token>' }, MISSING],
    ['a live token as Basic', { Authorization: 'Basic <token>' }, MISSING],
    ['a live token as DPoP', { Authorization: 'DPoP <token>' }, MISSING],
    ['a live token without a space after the scheme', { Authorization: 'Bearer<token>' }, MISSING],
    ['an empty token', { Authorization: 'Bearer ' }, INVALID],
    ['a live token twice', { Authorization: 'Bearer <token> <token>' }, INVALID],
    ['two headers', { Authorization: 'Bearer <token>, Bearer <token>' }, INVALID],
    ['a live token in a cookie', { Cookie: 'access_token=<token>' }, MISSING],
  ])('a request with %s gets the challenge of RFC 6750 §3', async (_case, template, expected) => {
    const { verifier, mint } = await setUp()
    const token = await mint()
    const headers = Object.entries(template).map(([name, value]) => [
      name,
      value.replaceAll('<token>', token),
    ])
    const request = new Request(`https://shop.test/?access_token=${token}`, { headers })
    const refusal = await refusalOf(verifier, request)
    expect(refusal.message).toBe(expected.reason)
    const response = refusal.toResponse()
    expect([response.status, await response.json()]).toEqual([401, { error: expected.code }])
    expect(response.headers.get('WWW-Authenticate')).toBe(expected.challenge)
    expect(response.headers.get('Cache-Control')).toBe('no-store')
  })

  it('a token without a required scope gets 403 with the required scope', async () => {
    const { verifier, mint } = await setUp()
    const refusal = await refusalOf(verifier, await mint({ scope: 'cart' }), 'cart orders')
    expect([refusal.code, refusal.status, refusal.challenge]).toEqual([
      'insufficient_scope',
      403,
      'Bearer realm="sallyport", error="insufficient_scope", scope="cart orders"',
    ])
  })

  it('the scheme Bearer is accepted in any case', async () => {
    const { verifier, mint } = await setUp()
    const request = new Request('https://shop.test/', {
      headers: { Authorization: `bearer ${await mint()}` },
    })
    await verifier.verify(request)
  })
})
