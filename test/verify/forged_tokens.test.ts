import { base64url, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTestIssuer, type MintOptions, type TestIssuer } from '../../packages/verify/src/testing.ts'
import { TokenError } from '../../packages/verify/src/token_error.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'
import { otherSpellings } from '../support/tokens.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

async function setUp(alg = 'ES256') {
  const issuer = await createTestIssuer({ alg })
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
  const refusalOf = async (token: string): Promise<TokenError> => {
    const error: unknown = await verifier.verify(token, { now: NOW }).catch((thrown: unknown) => thrown)
    if (!(error instanceof TokenError)) throw new Error(`not refused: ${JSON.stringify(error)}`)
    return error
  }
  return { issuer, verifier, refusalOf }
}

/** The parts of a token, for a wrong combination. */
function split(token: string): [string, string, string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

const encode = (value: object) => base64url.encode(JSON.stringify(value))

async function publicKeyOf(issuer: TestIssuer): Promise<JWK & { kid: string }> {
  const init = { headers: {}, signal: new AbortController().signal }
  const response = await issuer.fetch(`${issuer.url}/.well-known/jwks.json`, init)
  const { keys } = await response.json<{ keys: (JWK & { kid: string })[] }>()
  const [jwk] = keys
  if (!jwk) throw new Error('the issuer publishes no key')
  return jwk
}

/** A token of the issuer with another header, which makes its signature invalid. */
async function withHeader(issuer: TestIssuer, header: object): Promise<string> {
  const { kid } = await publicKeyOf(issuer)
  const [, payload, signature] = split(await issuer.mint({ audience: AUDIENCE }))
  return `${encode({ typ: 'at+jwt', kid, ...header })}.${payload}.${signature}`
}

/** A token that is valid except for the key of an attacker. */
async function forge(header: object, privateKey?: CryptoKey): Promise<string> {
  const key = privateKey ?? (await generateKeyPair('ES256')).privateKey
  const names = { iss: 'https://issuer.test', aud: AUDIENCE, sub: 'user:1', client_id: 'x', jti: 'x' }
  const payload = { ...names, iat: NOW, exp: NOW + 60 }
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).sign(key)
}

type Make = (issuer: TestIssuer) => Promise<string>

/** The defect of a token, the reason in the log, and a function that makes the token. */
const FORGERIES: [string, string, Make][] = [
  [
    'alg none',
    'its algorithm is not allowed',
    async (issuer) => {
      const [header, payload] = split(await withHeader(issuer, { alg: 'none' }))
      return `${header}.${payload}.`
    },
  ],
  [
    'HS256 with the public key as the secret',
    'its algorithm is not allowed',
    async (issuer) => {
      const jwk = await publicKeyOf(issuer)
      const [header, payload] = split(await withHeader(issuer, { alg: 'HS256' }))
      const signingInput = new TextEncoder().encode(`${header}.${payload}`)
      const secret = new TextEncoder().encode(JSON.stringify(jwk))
      const hmac = { name: 'HMAC', hash: 'SHA-256' }
      const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign'])
      const signature = await crypto.subtle.sign('HMAC', key, signingInput)
      return `${header}.${payload}.${base64url.encode(new Uint8Array(signature))}`
    },
  ],
  ['an unknown algorithm', 'its algorithm is not allowed', (issuer) => withHeader(issuer, { alg: 'XS512' })],
  [
    'an algorithm that is not that of its key',
    'its algorithm is not that of its key',
    (issuer) => withHeader(issuer, { alg: 'RS256' }),
  ],
  [
    'a key of the forger under the id of the issuer',
    'signature verification failed',
    async (issuer) => forge({ kid: (await publicKeyOf(issuer)).kid }),
  ],
  [
    'a key of the forger in the header',
    'its header has a key: jwk',
    async (issuer) => {
      const { publicKey, privateKey } = await generateKeyPair('ES256')
      const { kid } = await publicKeyOf(issuer)
      return forge({ jwk: await exportJWK(publicKey), kid }, privateKey)
    },
  ],
  [
    'a signature with padding',
    'the signature is not in its canonical form',
    async (issuer) => `${await issuer.mint({ audience: AUDIENCE })}==`,
  ],
  [
    'a signature with a spare bit set',
    'the signature is not in its canonical form',
    async (issuer) => otherSpellings(await issuer.mint({ audience: AUDIENCE }))[3] ?? '',
  ],
  ['no key id', 'it names no key', (issuer) => withHeader(issuer, { alg: 'ES256', kid: undefined })],
  ['an unknown key id', 'it is not signed by a key of the issuer', () => forge({ kid: 'unknown' })],
  [
    'a changed payload',
    'signature verification failed',
    async (issuer) => {
      const [header, , signature] = split(await issuer.mint({ audience: AUDIENCE }))
      return `${header}.${encode({ sub: 'user:admin' })}.${signature}`
    },
  ],
  ['no JWT', 'it is not a JWT', async () => 'garbage'],
]

/** Tokens that the issuer signed with a published key and that are not valid access tokens for this API. */
const FOREIGN: [string, string, Partial<MintOptions>][] = [
  // RFC 8725 §3.10: a verifier must not use a key from the header, also if the signature is valid.
  ['a key in the header', 'its header has a key: jwk', { header: { jwk: { kty: 'EC' } } }],
  ['an address of keys', 'its header has a key: jku', { header: { jku: 'https://evil.test/jwks.json' } }],
  ['an address of certificates', 'its header has a key: x5u', { header: { x5u: 'https://evil.test/' } }],
  ['certificates', 'its header has a key: x5c', { header: { x5c: ['MIIB'] } }],
  ['a critical extension', 'it has critical extensions', { header: { crit: ['b64'], b64: true } }],
  ['no type', '"typ"', { header: { typ: undefined } }],
  ['the type of an ID token', '"typ"', { header: { typ: 'JWT' } }],
  ['a refresh token', '"typ"', { audience: 'https://issuer.test', header: { typ: 'rt+jwt' } }],
  ['a refresh token for this audience', '"typ"', { header: { typ: 'rt+jwt' } }],
  ['the revocation feed', '"typ"', { header: { typ: 'revocations+jwt' } }],
  ['another issuer', '"iss"', { claims: { iss: 'https://evil.test' } }],
  ['another audience', '"aud"', { audience: 'https://shop.test/admin/api' }],
  ['no audience', '"aud"', { claims: { aud: undefined } }],
  ['several audiences', 'its aud is not text', { claims: { aud: [AUDIENCE, 'x'] } }],
  ['an expiry in the past', '"exp"', { expiresAt: NOW - 6 }],
  ['no expiry', '"exp"', { claims: { exp: undefined } }],
  ['an expiry of half a second', 'its exp is not a whole second', { expiresAt: NOW + 60.5 }],
  ['an issue time in the future', 'it was issued in the future', { issuedAt: NOW + 6 }],
  ['no issue time', '"iat"', { claims: { iat: undefined } }],
  ['an issue time of half a second', 'its iat is not a whole second', { claims: { iat: NOW - 0.5 } }],
  ['a time before which it is not valid', '"nbf"', { claims: { nbf: NOW + 6 } }],
  ['no subject', 'it has no sub', { claims: { sub: undefined } }],
  ['an empty subject', 'it has no sub', { claims: { sub: '' } }],
  ['no client', 'it has no client_id', { claims: { client_id: undefined } }],
  ['no id of its own', 'it has no jti', { claims: { jti: undefined } }],
  ['a number as its id', 'its jti is not text', { claims: { jti: 7 } }],
  ['a session that is no text', 'its sid is not text', { claims: { sid: 7 } }],
  ['a scope that is no text', 'its scope is not text', { claims: { scope: ['cart'] } }],
  ['a guest that is no text', 'its visitor_id is not text', { claims: { visitor_id: 7 } }],
  ['roles that are no list', 'its roles are not a list', { claims: { roles: 'admin' } }],
  ['a sign-in time in words', 'its auth_time is not a whole second', { claims: { auth_time: 'now' } }],
  ['a bound key without a thumbprint', 'its cnf has no jkt', { claims: { cnf: {} } }],
  ['a thumbprint that is no text', 'its cnf.jkt is not text', { claims: { cnf: { jkt: 7 } } }],
  ['a role that is no text', 'its roles are not a list', { claims: { roles: ['admin', 7] } }],
]

function expectRefusal({ code, status, challenge, message }: TokenError, reason: string): void {
  expect([code, status, challenge]).toEqual([
    'invalid_token',
    401,
    'Bearer realm="sallyport", error="invalid_token"',
  ])
  expect(message).toContain(reason)
}

describe('a forged token', () => {
  it.each(FORGERIES)('the verifier refuses a token with %s', async (_name, reason, make) => {
    const { issuer, refusalOf } = await setUp()
    expectRefusal(await refusalOf(await make(issuer)), reason)
  })

  it.each([
    ['ES256', 'RS256'],
    ['RS256', 'PS256'],
  ])('the verifier refuses a token with %s in the header and the id of a key for %s', async (alg, keyAlg) => {
    const { issuer, refusalOf } = await setUp(keyAlg)
    expectRefusal(await refusalOf(await withHeader(issuer, { alg })), 'its algorithm is not that of its key')
  })

  it('a token with a forbidden algorithm or its own key causes no fetch', async () => {
    const { issuer, refusalOf } = await setUp()
    for (const header of [{ alg: 'none' }, { alg: 'HS256' }, { jku: 'https://evil.test/jwks.json' }]) {
      await refusalOf(`${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'x', ...header })}.e30.x`)
    }
    expect(issuer.requests).toEqual([])
  })
})

describe('another token of the issuer', () => {
  it.each(FOREIGN)('the verifier refuses a token with %s', async (_name, reason, options) => {
    const { issuer, refusalOf } = await setUp()
    expectRefusal(await refusalOf(await issuer.mint({ audience: AUDIENCE, ...options })), reason)
  })

  it('a token is accepted within the leeway and refused one second later', async () => {
    const { issuer, verifier, refusalOf } = await setUp()
    const mint = (options: Partial<MintOptions>) => issuer.mint({ audience: AUDIENCE, ...options })
    await verifier.verify(await mint({ expiresAt: NOW - 4 }), { now: NOW })
    await verifier.verify(await mint({ issuedAt: NOW + 5 }), { now: NOW })
    await verifier.verify(await mint({ claims: { nbf: NOW + 5 } }), { now: NOW })
    expectRefusal(await refusalOf(await mint({ expiresAt: NOW - 5 })), '"exp"')
  })
})
