import { env } from 'cloudflare:workers'
import { base64url, decodeJwt, decodeProtectedHeader } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createVerifier } from '../../packages/verify/src/index.ts'
import { verifyIdTokenHint } from '../../src/tokens/id_token.ts'
import { authorize, CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { callAdmin } from '../support/operator.ts'
import { credentials, ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { verify } from '../support/tokens.ts'

const IDENTITY = ['openid', 'profile', 'email']

describe('an ID token', () => {
  const server = new TestServer()
  let client: TestClient
  let userId: string
  let username: string

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, scopes: ['cart'] })
    const user = await server.addUser()
    userId = user.id
    username = user.username
    const texts = { name: 'Zoë Park', given_name: 'Zoë', family_name: 'Park', locale: 'de-CH' }
    const profile = JSON.stringify({ ...texts, email: 'zoe@example.com' })
    await env.DB.prepare('UPDATE users SET profile = ? WHERE id = ?').bind(profile, userId).run()
  })

  /** The tokens of a code with these scopes. */
  async function tokensFor(scope: string[], nonce: string | null = null, of = client) {
    const code = await newCode(server, of, userId, { scope, nonce })
    return server.requireTokens(exchangeOf(of, code))
  }

  it.each(['RS256', 'ES256'] as const)(
    'an ID token has the claims of OpenID Connect Core §2 and the algorithm of the client: %s',
    async (alg) => {
      const of = await server.addClient({ ...CODE_CLIENT, idTokenAlgorithm: alg })
      const start = server.clock.time
      const changes = { scope: 'openid cart', nonce: 'n-1' }
      const code = (await authorize(server, of, { username, changes })).get('code')
      server.clock.time += 5
      const tokens = await server.requireTokens(exchangeOf(of, code))
      const { payload, protectedHeader } = await verify(server, tokens.id_token ?? '', {
        audience: of.id,
        typ: 'JWT',
        algorithms: [alg],
      })
      expect(protectedHeader).toEqual({ alg, typ: 'JWT', kid: expect.any(String) })
      const hash = new Uint8Array(
        await crypto.subtle.digest('SHA-256', new TextEncoder().encode(tokens.access_token)),
      )
      expect(payload).toEqual({
        iss: ISSUER,
        aud: of.id,
        sub: userId,
        iat: start + 5,
        exp: start + 3605,
        sid: decodeJwt(tokens.access_token).sid,
        auth_time: start,
        amr: ['pwd'],
        acr: 'urn:sallyport:1',
        nonce: 'n-1',
        at_hash: base64url.encode(hash.slice(0, 16)),
      })
      expect(Object.keys(tokens).at(-1)).toBe('id_token')
      expect(decodeProtectedHeader(tokens.access_token).alg).toBe('ES256')
    },
  )

  it('the scopes profile and email add the claims of the record of the user', async () => {
    const identity = {
      name: 'Zoë Park',
      given_name: 'Zoë',
      family_name: 'Park',
      locale: 'de-CH',
      updated_at: expect.any(Number),
      email: 'zoe@example.com',
      email_verified: false,
    }
    const all = decodeJwt((await tokensFor(IDENTITY)).id_token ?? '')
    expect(all).toMatchObject(identity)
    const email = decodeJwt((await tokensFor(['openid', 'email'])).id_token ?? '')
    expect(email).toMatchObject({ email: 'zoe@example.com', email_verified: false })
    expect(email).not.toHaveProperty('name')
    expect(decodeJwt((await tokensFor(IDENTITY)).access_token)).not.toHaveProperty('email')
  })

  it('a refresh returns an ID token with the original auth_time and without a nonce', async () => {
    const first = await tokensFor(['openid', 'cart'], 'n-2')
    server.clock.time += 600
    const second = await server.refresh(client, first.refresh_token)
    const { nonce, iat, exp, at_hash, ...same } = decodeJwt(first.id_token ?? '')
    expect(nonce).toBe('n-2')
    const { at_hash: newHash, ...claims } = decodeJwt(second.id_token ?? '')
    expect(claims).toEqual({ ...same, iat: (iat ?? 0) + 600, exp: (exp ?? 0) + 600 })
    expect(newHash).not.toBe(at_hash)
    const narrow = await server.requireTokens({
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token: second.refresh_token,
      scope: 'cart',
    })
    expect(narrow).not.toHaveProperty('id_token')
  })

  it('a request without openid, a guest and a client get no ID token', async () => {
    const shop = await server.addClient()
    const responses = [
      await tokensFor(['cart', 'profile']),
      await server.signIn(shop, username),
      await server.signIn(shop, 'guest', 'guest'),
      await server.requireTokens({ grant_type: 'client_credentials', ...credentials(shop) }),
    ]
    for (const response of responses) expect(response).not.toHaveProperty('id_token')
    const off = new TestServer({ clock: server.clock, config: { openid: false } })
    const code = await newCode(off, client, userId, { scope: ['openid'] })
    expect(await off.requireTokens(exchangeOf(client, code))).not.toHaveProperty('id_token')
  })

  it('no API and no endpoint accepts an ID token as an access token', async () => {
    const token = (await tokensFor(IDENTITY)).id_token ?? ''
    const shop = await server.addClient()
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: client.id,
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    })
    await expect(verifier.verify(token, { now: server.clock.time })).rejects.toMatchObject({
      code: 'invalid_token',
    })
    const introspected = await server.postJson(
      { ...credentials(shop), token },
      {},
      '/oauth2-token/introspect',
    )
    expect(await introspected.json()).toEqual({ active: false })
    const headers = { Authorization: `Bearer ${token}` }
    expect((await server.fetch('/oauth2-token/userinfo', { headers })).status).toBe(401)
    expect((await callAdmin(server, '/me', { headers })).status).toBe(401)
    const refresh = { grant_type: 'refresh_token', ...credentials(shop), refresh_token: token }
    expect((await server.postJson(refresh)).status).toBe(400)
  })

  it('an id_token_hint proves its user by signature and client, also after its expiry', async () => {
    const { id_token: hint = '', access_token } = await tokensFor(['openid'])
    const { services } = server
    const dependencies = { keys: services.keys, issuer: ISSUER }
    const check = (text: string, clientId: string | null) =>
      verifyIdTokenHint({ hint: text, clientId }, dependencies, server.context())
    const proven = { subject: userId, clientId: client.id, sid: decodeJwt(hint).sid }
    expect(await check(hint, client.id)).toEqual(proven)
    expect(await check(hint, 'another-client')).toBeNull()
    for (const text of ['', 'a.b.c', access_token, `${hint.slice(0, -10)}AAAAAAAAAA`])
      expect(await check(text, null)).toBeNull()
    server.clock.time += 86_400
    expect(await check(hint, null)).toEqual(proven)
  })
})
