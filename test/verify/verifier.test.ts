import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTestIssuer, type MintOptions, type TestIssuer } from '../../verify/testing.ts'
import { TokenError } from '../../verify/token_error.ts'
import { createVerifier, type Verifier, type VerifierOptions } from '../../verify/verifier.ts'
import { otherSpellings } from '../support/tokens.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

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
  it('says what a token says, from a request or by itself', async () => {
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
    }
    expect(await verifier.verify(bearer(token), { scope: 'cart orders' })).toEqual(claims)
    expect(await verifier.verify(token)).toEqual(claims)
    const guest = await verifier.verify(await mint({ subject: 'visitor:3' }))
    expect(guest).toMatchObject({ isGuest: true, sid: null, scope: [], roles: [], visitorId: null })
  })

  it('costs one request for each document at first, and none in the steady state', async () => {
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

  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('accepts %s', async (alg) => {
    const issuer = await createTestIssuer({ alg })
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
    await verifier.verify(await issuer.mint({ audience: AUDIENCE }))
  })
})

/** The parts of a token, to be put together wrongly. */
function split(token: string): [string, string, string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

const encode = (value: object) => base64url.encode(JSON.stringify(value))

async function publicKeyOf(issuer: TestIssuer): Promise<{ kid: string; jwk: object }> {
  const response = await issuer.fetch(`${issuer.url}/.well-known/jwks.json`, {
    headers: {},
    signal: new AbortController().signal,
  })
  const { keys } = await response.json<{ keys: { kid: string }[] }>()
  const [jwk = { kid: '' }] = keys
  return { kid: jwk.kid, jwk }
}

const FORGERIES: Record<string, (issuer: TestIssuer) => Promise<string>> = {
  'alg none': async (issuer) => {
    const [, payload] = split(await issuer.mint({ audience: AUDIENCE }))
    return `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`
  },
  'HS256 with the public key as the secret': async (issuer) => {
    const { kid, jwk } = await publicKeyOf(issuer)
    const [, payload] = split(await issuer.mint({ audience: AUDIENCE }))
    const signingInput = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`
    const secret = new TextEncoder().encode(JSON.stringify(jwk))
    const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ])
    const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(signingInput))
    return `${signingInput}.${base64url.encode(new Uint8Array(signature))}`
  },
  'a key of the forger under the id of the issuer': async (issuer) => {
    const { kid } = await publicKeyOf(issuer)
    return forge({ kid })
  },
  'a key of the forger in the header': async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    return forge({ jwk: await exportJWK(publicKey), kid: 'mine' }, privateKey)
  },
  'an address of keys in the header': () => forge({ jku: 'https://evil.test/jwks.json', kid: 'mine' }),
  'an address of certificates in the header': () =>
    forge({ x5u: 'https://evil.test/chain.pem', kid: 'mine' }),
  'an unknown algorithm': async (issuer) => {
    const [, payload, signature] = split(await issuer.mint({ audience: AUDIENCE }))
    return `${encode({ alg: 'XS512', typ: 'at+jwt', kid: 'x' })}.${payload}.${signature}`
  },
  'an unknown critical extension': async (issuer) => {
    const { kid } = await publicKeyOf(issuer)
    const [, payload, signature] = split(await issuer.mint({ audience: AUDIENCE }))
    return `${encode({ alg: 'ES256', typ: 'at+jwt', kid, crit: ['exp'], exp: 1 })}.${payload}.${signature}`
  },
  'a signature with padding': async (issuer) => `${await issuer.mint({ audience: AUDIENCE })}==`,
  'a signature with a spare bit set': async (issuer) => {
    const [, , , spareBit = ''] = otherSpellings(await issuer.mint({ audience: AUDIENCE }))
    return spareBit
  },
  'no key id': (issuer) => issuer.mint({ audience: AUDIENCE, header: { kid: undefined } }),
  'an unknown key id': (issuer) => issuer.mint({ audience: AUDIENCE, header: { kid: 'unknown' } }),
  'no type': (issuer) => issuer.mint({ audience: AUDIENCE, header: { typ: undefined } }),
  'the type of an ID token': (issuer) => issuer.mint({ audience: AUDIENCE, header: { typ: 'JWT' } }),
  'a refresh token': (issuer) => issuer.mint({ audience: issuer.url, header: { typ: 'rt+jwt' } }),
  'a refresh token for this audience': (issuer) =>
    issuer.mint({ audience: AUDIENCE, header: { typ: 'rt+jwt' } }),
  'the revocation feed': (issuer) => issuer.mint({ audience: AUDIENCE, header: { typ: 'revocations+jwt' } }),
  'another issuer': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { iss: 'https://evil.test' } }),
  'another audience': (issuer) => issuer.mint({ audience: 'https://shop.test/admin/api' }),
  'several audiences': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { aud: [AUDIENCE, 'x'] } }),
  'no expiry': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { exp: undefined } }),
  'an expiry in the past': (issuer) => issuer.mint({ audience: AUDIENCE, expiresAt: NOW - 6 }),
  'an issue time in the future': (issuer) => issuer.mint({ audience: AUDIENCE, issuedAt: NOW + 6 }),
  'no issue time': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { iat: undefined } }),
  'a time before which it is not valid': (issuer) =>
    issuer.mint({ audience: AUDIENCE, claims: { nbf: NOW + 6 } }),
  'no subject': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { sub: undefined } }),
  'no client': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { client_id: undefined } }),
  'roles that are no list': (issuer) => issuer.mint({ audience: AUDIENCE, claims: { roles: 'admin' } }),
  'a changed payload': async (issuer) => {
    const [header, , signature] = split(await issuer.mint({ audience: AUDIENCE }))
    return `${header}.${encode({ sub: 'user:admin' })}.${signature}`
  },
  'no JWT': async () => 'garbage',
}

async function forge(header: object, privateKey?: CryptoKey): Promise<string> {
  const key = privateKey ?? (await generateKeyPair('ES256')).privateKey
  const payload = {
    iss: 'https://issuer.test',
    aud: AUDIENCE,
    sub: 'user:1',
    client_id: 'x',
    iat: NOW,
    exp: NOW + 60,
    jti: 'x',
  }
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).sign(key)
}

describe('a forged or foreign token', () => {
  it.each(Object.entries(FORGERIES))('is refused: %s', async (_name, make) => {
    const { issuer, verifier } = await setUp()
    const refusal = await refusalOf(verifier, bearer(await make(issuer)))
    expect([refusal.code, refusal.status, refusal.challenge]).toEqual([
      'invalid_token',
      401,
      'Bearer error="invalid_token"',
    ])
  })

  it('is accepted within the leeway, and not a second beyond', async () => {
    const { verifier, mint } = await setUp()
    await verifier.verify(await mint({ expiresAt: NOW - 4 }), { now: NOW })
    await verifier.verify(await mint({ issuedAt: NOW + 5 }), { now: NOW })
  })
})

describe('a refusal', () => {
  it.each([
    ['no header', {}, 'missing_token', 'Bearer'],
    ['an empty header', { Authorization: '' }, 'missing_token', 'Bearer'],
    ['a token without a scheme', { Authorization: 'eyJ.eyJ.x' }, 'missing_token', 'Bearer'],
    ['Basic', { Authorization: 'Basic YTpi' }, 'missing_token', 'Bearer'],
    ['an empty token', { Authorization: 'Bearer ' }, 'invalid_token', 'Bearer error="invalid_token"'],
    ['two tokens', { Authorization: 'Bearer a b' }, 'invalid_token', 'Bearer error="invalid_token"'],
  ])('of a request with %s challenges as RFC 6750 §3 has it', async (_case, headers, code, challenge) => {
    const { verifier } = await setUp()
    const request = new Request('https://shop.test/', {
      headers: new Headers(headers as Record<string, string>),
    })
    const response = (await refusalOf(verifier, request)).toResponse()
    expect([response.status, await response.json()]).toEqual([401, { error: code }])
    expect(response.headers.get('WWW-Authenticate')).toBe(challenge)
    expect(response.headers.get('Cache-Control')).toBe('no-store')
  })

  it('for want of scope is a 403 that names what is needed', async () => {
    const { verifier, mint } = await setUp()
    const refusal = await refusalOf(verifier, await mint({ scope: 'cart' }), 'cart orders')
    expect([refusal.code, refusal.status, refusal.challenge]).toEqual([
      'insufficient_scope',
      403,
      'Bearer error="insufficient_scope", scope="cart orders"',
    ])
  })

  it('takes any case of the scheme for Bearer', async () => {
    const { verifier, mint } = await setUp()
    const request = new Request('https://shop.test/', {
      headers: { Authorization: `bearer ${await mint()}` },
    })
    await verifier.verify(request)
  })
})
