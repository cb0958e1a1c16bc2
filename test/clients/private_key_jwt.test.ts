import { env } from 'cloudflare:workers'
import { base64url, CompactSign, decodeJwt, exportSPKI, importJWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { ASSERTION_ALGORITHMS } from '../../src/clients/assertions/public_keys.ts'
import { JWT_ASSERTION_TYPE } from '../../src/oauth/client_authentication.ts'
import { CHANGE_LIST_SECONDS } from '../../src/storage/copy_ages.ts'
import {
  type AssertionChanges,
  asserted,
  EXTENSION,
  KeyClient,
  newKey,
  signAssertion,
} from '../support/assertions.ts'
import { CALLBACK, CHALLENGE, CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { D1_DOWN } from '../support/faults.ts'
import { basic, ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { withOtherSignature } from '../support/tokens.ts'

const MACHINE = { grant_type: 'client_credentials' }
const REFUSED = [401, { error: 'invalid_client', error_description: 'Client authentication failed.' }]

async function resultOf(response: Promise<Response>) {
  const { status, body } = await response.then(async (r) => ({ status: r.status, body: await r.json() }))
  return [status, body]
}

/** Good and bad claims and headers of an assertion. `n` is the time of the request. */
const GOOD: [string, (n: number) => AssertionChanges][] = [
  ['with the longest lifetime', (n) => ({ claims: { exp: n + 300 } })],
  ['without iat', () => ({ claims: { iat: undefined } })],
  ['with a list of one audience', () => ({ claims: { aud: [ISSUER] } })],
  ['from a clock that is a minute ahead', (n) => ({ claims: { iat: n + 60, nbf: n + 60, exp: n + 120 } })],
  ['with fractions of seconds', (n) => ({ claims: { iat: n - 0.5, exp: n + 59.5 } })],
  ['without kid', () => ({ header: { kid: undefined } })],
  ['of the type JWT', () => ({ header: { typ: 'JWT' } })],
  ['of the type client-authentication+jwt', () => ({ header: { typ: 'client-authentication+jwt' } })],
  ['of the media type application/jwt', () => ({ header: { typ: 'application/JWT' } })],
]
const BAD: [string, (n: number) => AssertionChanges][] = [
  ['has expired', (n) => ({ claims: { exp: n } })],
  ['has no exp', () => ({ claims: { exp: undefined } })],
  ['lives too long', (n) => ({ claims: { exp: n + 301 } })],
  ['has an exp in milliseconds', (n) => ({ claims: { exp: (n + 60) * 1000 } })],
  ['has an exp that is a text', (n) => ({ claims: { exp: String(n + 60) } })],
  ['begins later', (n) => ({ claims: { nbf: n + 61, exp: n + 120 } })],
  ['was issued later', (n) => ({ claims: { iat: n + 61, exp: n + 120 } })],
  ['was issued after its end', (n) => ({ claims: { iat: n + 50, exp: n + 40 } })],
  ['has the token endpoint as audience', () => ({ claims: { aud: `${ISSUER}/oauth2-token` } })],
  ['has another audience', () => ({ claims: { aud: 'https://id.other.example' } })],
  ['has the issuer with a slash as audience', () => ({ claims: { aud: `${ISSUER}/` } })],
  ['has two audiences', () => ({ claims: { aud: [ISSUER, 'https://id.other.example'] } })],
  ['has no audience', () => ({ claims: { aud: undefined } })],
  ['has an empty list of audiences', () => ({ claims: { aud: [] } })],
  ['has another issuer', () => ({ claims: { iss: 'other' } })],
  ['has no issuer', () => ({ claims: { iss: undefined } })],
  ['has another subject', () => ({ claims: { sub: 'other' } })],
  ['has no jti', () => ({ claims: { jti: undefined } })],
  ['has a jti that is a number', () => ({ claims: { jti: 1 } })],
  ['is of the type of an access token', () => ({ header: { typ: 'at+jwt' } })],
  ['is of the type of a DPoP proof', () => ({ header: { typ: 'dpop+jwt' } })],
  ['names a key that the client does not have', () => ({ header: { kid: 'other' } })],
  ['has a critical extension', () => ({ header: { crit: [EXTENSION], [EXTENSION]: 1 } })],
]

describe('a client with keys (private_key_jwt, RFC 7523)', () => {
  it.each(ASSERTION_ALGORITHMS)('a client authenticates with %s and gets tokens', async (alg) => {
    const server = new TestServer()
    const client = await KeyClient.add(server, {}, await newKey(alg))
    const response = await client.post(MACHINE)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      token_type: 'Bearer',
      expires_in: 3600,
      access_token: expect.any(String),
      scope: 'cart orders catalog',
    })
  })

  it('a client authenticates with each of its keys, and with both forms of an ES256 signature', async () => {
    const server = new TestServer()
    const keys = [await newKey(), await newKey('RS256'), await newKey('ES256', 'second')]
    const client = await server.addClient({ jwks: { keys: keys.map(({ jwk }) => jwk) } })
    for (const key of keys) {
      const assertion = await signAssertion(client.id, key, server.clock.time)
      expect((await server.postJson({ ...MACHINE, ...asserted(assertion) })).status).toBe(200)
    }
    const assertion = await signAssertion(client.id, keys[0] ?? (await newKey()), server.clock.time)
    const other = withOtherSignature(assertion)
    expect((await server.postJson({ ...MACHINE, ...asserted(other) })).status).toBe(200)
    // The two forms are one assertion.
    expect(await resultOf(server.postJson({ ...MACHINE, ...asserted(assertion) }))).toEqual(REFUSED)
  })

  it('a key without kid verifies an assertion with any kid', async () => {
    const server = new TestServer()
    const key = await newKey()
    const { kid: _, ...jwk } = key.jwk
    const client = await KeyClient.add(server, { jwks: { keys: [jwk] } }, key)
    expect((await client.post(MACHINE, undefined, { header: { kid: 'any' } })).status).toBe(200)
  })

  it('an assertion is good for its claims and header, and refused for others', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server)
    const { time } = server.clock
    for (const [what, changes] of GOOD)
      expect([what, (await client.post(MACHINE, undefined, changes(time))).status]).toEqual([what, 200])
    for (const [what, changes] of BAD)
      expect([what, ...(await resultOf(client.post(MACHINE, undefined, changes(time))))]).toEqual([
        what,
        ...REFUSED,
      ])
  })

  it('an assertion of another key, another client or no real signature is refused', async () => {
    const server = new TestServer()
    const key = await newKey('RS256')
    const { kid: _kid, ...anonymous } = key.jwk
    const client = await KeyClient.add(server, { jwks: { keys: [anonymous] } }, key)
    const stranger = await newKey('RS256', String(key.jwk.kid))
    const other = await KeyClient.add(server)
    const now = server.clock.time
    const claims = { iss: client.id, sub: client.id, aud: ISSUER, jti: 'j', iat: now, exp: now + 60 }
    const good = await client.sign()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const publicKey = await importJWK(key.jwk, 'RS256')
    if (publicKey instanceof Uint8Array) throw new Error('not a public key')
    const pem = new TextEncoder().encode(await exportSPKI(publicKey))
    const none = base64url.encode(JSON.stringify({ alg: 'none' }))
    const forged: Record<string, string> = {
      'a key of a stranger': await signAssertion(client.id, stranger, now),
      'a key of a stranger in the header': await signAssertion(client.id, stranger, now, {
        header: { jwk: stranger.jwk, kid: undefined },
      }),
      'a URL of keys of a stranger': await signAssertion(client.id, stranger, now, {
        header: { jku: 'https://stranger.example/jwks', kid: undefined },
      }),
      'the key of another client': await signAssertion(client.id, other.key, now),
      'the algorithm none': `${none}.${payload}.`,
      'the algorithm none with a signature': `${none}.${payload}.${signature}`,
      'no signature': `${header}.${payload}.`,
      'HS256 with the public key as secret': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(pem),
      'HS256 with the modulus as secret': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(base64url.decode(String(key.jwk.n))),
      'an algorithm that is not allowed': await new CompactSign(
        new TextEncoder().encode(JSON.stringify(claims)),
      )
        .setProtectedHeader({ alg: 'RS512' })
        .sign(await withHash(key.privateKey)),
      'a changed payload': `${header}.${base64url.encode(JSON.stringify({ ...claims, jti: 'k' }))}.${signature}`,
      'a text that is no JWT': 'assertion',
      'a JWE': `${good}.x.y`,
    }
    for (const [what, text] of Object.entries(forged)) {
      const body = { ...MACHINE, client_id: client.id, ...asserted(text) }
      expect([what, ...(await resultOf(server.postJson(body)))]).toEqual([what, ...REFUSED])
    }
    expect((await server.postJson({ ...MACHINE, ...asserted(good) })).status).toBe(200)
  })

  it('a client authenticates in one way: an assertion together with a secret is an invalid request', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server)
    const secretClient = await server.addClient()
    const twoWays = {
      error: 'invalid_request',
      error_description: 'The client must authenticate in one way only.',
    }
    for (const errors of ['rfc6749', 'oro']) {
      const dialect = new TestServer({ config: { errors } })
      const body = { ...MACHINE, ...asserted(await client.sign()) }
      const withSecret = await dialect.postJson({ ...body, client_secret: secretClient.secret })
      expect([withSecret.status, await withSecret.json()]).toMatchObject([400, twoWays])
      const withBasic = await dialect.postForm(body, { Authorization: basic(client.id, 'x') })
      expect([withBasic.status, await withBasic.json()]).toMatchObject([400, twoWays])
    }
    const assertion = await client.sign()
    const missing = await resultOf(server.postJson({ ...MACHINE, client_assertion: assertion }))
    const description = 'The parameter client_assertion_type is missing.'
    expect(missing).toEqual([400, { error: 'invalid_request', error_description: description }])
    for (const body of [
      // The client has keys, so it has no secret and is not public.
      { client_id: client.id },
      { client_id: client.id, client_secret: 'x' },
      { client_assertion_type: JWT_ASSERTION_TYPE, client_id: client.id },
      // The type is that of a SAML assertion (RFC 7522 §2.2).
      {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
        client_assertion: assertion,
      },
      { ...asserted(assertion), client_id: secretClient.id },
      // A client with a secret and an unknown client have no keys.
      asserted(await signAssertion(secretClient.id, client.key, server.clock.time)),
      asserted(await signAssertion('nobody', client.key, server.clock.time)),
      asserted(await signAssertion('visitor:x', client.key, server.clock.time)),
    ])
      expect(await resultOf(server.postJson({ ...MACHINE, ...body }))).toEqual(REFUSED)
    expect(await resultOf(server.postForm(MACHINE, { Authorization: basic(client.id, 'x') }))).toEqual(
      REFUSED,
    )
    expect((await server.postJson({ ...MACHINE, client_id: client.id, ...asserted(assertion) })).status).toBe(
      200,
    )
  })

  it('every endpoint that authenticates clients accepts an assertion with the same audience', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server, { ...CODE_CLIENT, confidential: true })
    const user = await server.addUser()
    const code = await newCode(server, client, user.id)
    const { client_id: _, client_secret: _secret, ...exchange } = exchangeOf(client.client, code)
    const exchanged = await client.post(exchange)
    expect(exchanged.status).toBe(200)
    const { access_token: token, refresh_token: refreshToken } =
      await exchanged.json<Record<string, string>>()
    const request = {
      response_type: 'code',
      redirect_uri: CALLBACK,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    }
    const pushed = await client.post(request, '/oauth2-token/par')
    expect(pushed.status).toBe(201)
    const begun = await client.post({ ...request, username: user.username }, '/oauth2-token/challenge')
    expect([begun.status, (await begun.json<{ error: string }>()).error]).toEqual([
      400,
      'insufficient_authorization',
    ])
    const described = await client.post({ token }, '/oauth2-token/introspect')
    expect(await described.json()).toMatchObject({ active: true, client_id: client.id })
    const refreshed = await client.post({ grant_type: 'refresh_token', refresh_token: refreshToken })
    expect(refreshed.status).toBe(200)
    const revoked = await client.post({ token }, '/oauth2-token/revoke')
    expect([revoked.status, await revoked.json()]).toEqual([200, {}])
    for (const path of ['/par', '/challenge', '/introspect', '/revoke', '']) {
      const body = { ...request, ...MACHINE, token }
      const expired = client.post(body, `/oauth2-token${path}`, { claims: { exp: server.clock.time } })
      expect([path, ...(await resultOf(expired))]).toEqual([path, ...REFUSED])
    }
  })

  it('a client with assertion_audience: token_endpoint names the token endpoint at every endpoint', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server, { assertionAudience: 'token_endpoint' })
    const named = { claims: { aud: `${ISSUER}/oauth2-token` } }
    const response = await client.post(MACHINE, undefined, named)
    expect(response.status).toBe(200)
    const { access_token: token } = await response.json<{ access_token: string }>()
    expect((await client.post({ token }, '/oauth2-token/introspect', named)).status).toBe(200)
    const other = { claims: { aud: `${ISSUER}/oauth2-token/introspect` } }
    for (const changes of [other, {}])
      expect(await resultOf(client.post({ token }, '/oauth2-token/introspect', changes))).toEqual(REFUSED)
  })
})

describe('a session that a client began with an assertion', () => {
  it('a session that began with an assertion is not refreshed without one, also if the client is public now', async () => {
    const server = new TestServer()
    const grants: TestClient['record']['grants'] = [...CODE_CLIENT.grants, 'password']
    const client = await KeyClient.add(server, { ...CODE_CLIENT, confidential: true, grants })
    const user = await server.addUser()
    const code = await newCode(server, client, user.id)
    const { client_id: _, client_secret: _secret, ...exchange } = exchangeOf(client.client, code)
    const begun = [exchange, { grant_type: 'password', username: 'guest', password: 'guest' }]
    const tokens = await Promise.all(
      begun.map(async (parameters) => (await client.post(parameters)).json<{ refresh_token: string }>()),
    )
    const change = (confidential: number, jwks: unknown) =>
      env.DB.prepare('UPDATE clients SET confidential = ?, jwks = ? WHERE client_id = ?')
        .bind(confidential, jwks === null ? null : JSON.stringify(jwks), client.id)
        .run()
    await change(0, null)
    server.clock.time += CHANGE_LIST_SECONDS.max + 1
    for (const { refresh_token } of tokens) {
      const body = { grant_type: 'refresh_token', refresh_token, client_id: client.id }
      expect(await resultOf(server.postJson(body))).toEqual(REFUSED)
    }
    await change(1, { keys: [client.key.jwk] })
    server.clock.time += CHANGE_LIST_SECONDS.max + 1
    for (const { refresh_token } of tokens) {
      const refreshed = await client.post({ grant_type: 'refresh_token', refresh_token })
      expect(refreshed.status).toBe(200)
      const next = decodeJwt((await refreshed.json<{ refresh_token: string }>()).refresh_token)
      expect(next).toMatchObject({ client_auth: 'private_key_jwt', seq: 1 })
    }
  })
})

describe('the single use of an assertion', () => {
  it('client_credentials accepts an assertion once, in every isolate, also of ten parallel requests', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server)
    const body = { ...MACHINE, ...asserted(await client.sign()) }
    const isolates = Array.from({ length: 10 }, () => server.anotherIsolate())
    const responses = await Promise.all(isolates.map((isolate) => isolate.postJson(body)))
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(401)])
    expect(await resultOf(server.postJson(body))).toEqual(REFUSED)
    // Another client can use the same jti.
    const other = await KeyClient.add(server)
    const same = { claims: { jti: 'the same' } }
    expect((await client.post(MACHINE, undefined, same)).status).toBe(200)
    expect((await other.post(MACHINE, undefined, same)).status).toBe(200)
  })

  it('a refused request does not use the assertion', async () => {
    const server = new TestServer()
    const client = await KeyClient.add(server)
    const proof = asserted(await client.sign())
    const refused = await server.postJson({ ...MACHINE, ...proof, scope: 'unknown' })
    expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([400, 'invalid_scope'])
    const forged = { ...proof, client_assertion: `${proof.client_assertion}x` }
    expect(await resultOf(server.postJson({ ...MACHINE, ...forged }))).toEqual(REFUSED)
    expect((await server.postJson({ ...MACHINE, ...proof })).status).toBe(200)
  })

  it('without D1 the server refuses client_credentials with an assertion, because it cannot store the use', async () => {
    const warm = new TestServer()
    const client = await KeyClient.add(warm)
    expect((await client.post(MACHINE)).status).toBe(200)
    const server = new TestServer({ env: { DB: D1_DOWN } })
    const response = await server.postJson({ ...MACHINE, ...asserted(await client.sign()) })
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '2'])
    expect(await response.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'The service is not available now. Try again shortly.',
    })
  })
})

/** The RSA key for RS512. */
async function withHash(key: CryptoKey): Promise<CryptoKey> {
  const jwk = (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' }
  return crypto.subtle.importKey('jwk', { ...jwk, alg: 'RS512' }, algorithm, false, ['sign'])
}
