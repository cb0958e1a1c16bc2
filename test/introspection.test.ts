import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { credentials, ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer } from './support/server.ts'
import { describeStores } from './support/session_stores.ts'
import { disableUser, endTokensOfClient, signOutUser } from './support/sign_out.ts'
import { otherSpellings } from './support/tokens.ts'

async function introspect(server: TestServer, client: TestClient, token = ''): Promise<unknown> {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  expect(response.status).toBe(200)
  expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  return response.json()
}

const INACTIVE = { active: false }

describeStores('the introspection endpoint (RFC 7662)', () => {
  it('the endpoint returns the claims of a live token to a confidential client of the same API', async () => {
    const server = new TestServer()
    const [owner, asker] = [await server.addClient(), await server.addClient()]
    const user = await server.addUser({ roles: ['wholesale'] })
    const tokens = await server.signIn(owner, user.username)
    const { jti, sid, iat, exp } = decodeJwt(tokens.access_token)
    const common = {
      active: true,
      iss: ISSUER,
      sub: user.id,
      client_id: owner.id,
      sid,
      scope: 'cart orders catalog',
      auth_time: iat,
      amr: ['pwd'],
      acr: 'urn:sallyport:1',
    }
    expect(await introspect(server, asker, tokens.access_token)).toEqual({
      ...common,
      token_type: 'Bearer',
      token_use: 'access_token',
      aud: STOREFRONT_AUDIENCE,
      iat,
      exp,
      jti,
      roles: ['wholesale'],
    })
    expect(await introspect(server, owner, tokens.refresh_token)).toEqual({
      ...common,
      token_use: 'refresh_token',
      aud: ISSUER,
      iat,
      exp: decodeJwt(tokens.refresh_token ?? '').exp,
      jti: `${sid}.0`,
      api: 'storefront',
      seq: 0,
    })
  })

  it('the endpoint describes a refresh token only to its own client', async () => {
    const server = new TestServer()
    const [owner, sibling] = [await server.addClient(), await server.addClient()]
    const { refresh_token } = await server.signIn(owner, 'guest', 'guest')
    expect(await introspect(server, sibling, refresh_token)).toEqual(INACTIVE)
    expect(await introspect(server, owner, refresh_token)).toMatchObject({
      active: true,
      token_use: 'refresh_token',
    })
  })

  it('the response has only the scopes and roles that the client, the user and config.yml still have', async () => {
    const server = new TestServer()
    const [client, asker] = [await server.addClient(), await server.addClient()]
    const user = await server.addUser({ roles: ['vip', 'wholesale'] })
    const tokens = await server.signIn(client, user.username)
    const guest = await server.signIn(client, 'guest', 'guest')
    await env.DB.batch([
      env.DB.prepare('UPDATE users SET roles = ? WHERE id = ?').bind('["wholesale","new"]', user.id),
      env.DB.prepare('UPDATE clients SET scopes = ? WHERE client_id = ?').bind(
        '["orders","cart"]',
        client.id,
      ),
    ])
    const now = { scope: 'cart orders', roles: ['wholesale'] }
    expect(await introspect(server, asker, tokens.access_token)).toMatchObject(now)
    expect(await introspect(server, client, tokens.refresh_token)).toMatchObject({ scope: 'cart orders' })
    expect(await introspect(server, asker, guest.access_token)).toMatchObject({ scope: 'cart' })
    const storefront = { audience: STOREFRONT_AUDIENCE, users: 'customers', guests: true }
    const config = { apis: { storefront: { ...storefront, scopes: ['orders'], guest_scopes: [] } } }
    const narrower = new TestServer({ clock: server.clock, config })
    expect(await introspect(narrower, asker, tokens.access_token)).toMatchObject({ scope: 'orders' })
    const ofGuest = await introspect(narrower, asker, guest.access_token)
    expect(ofGuest).toMatchObject({ active: true })
    expect(ofGuest).not.toHaveProperty('scope')
  })

  it('a client of another API and a malformed token get only active false', async () => {
    const server = new TestServer()
    const owner = await server.addClient()
    const stranger = await server.addClient({ api: 'backoffice' })
    const tokens = await server.signIn(owner, 'guest', 'guest')
    expect(await introspect(server, stranger, tokens.access_token)).toEqual(INACTIVE)
    expect(await introspect(server, stranger, tokens.refresh_token)).toEqual(INACTIVE)
    for (const token of ['garbage', 'a.b.c', `${tokens.access_token}x`]) {
      expect(await introspect(server, owner, token)).toEqual(INACTIVE)
    }
  })

  it('a token with a non-canonical signature is inactive (RFC 7515 §2)', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { access_token: token, refresh_token: refreshToken } = await server.signIn(client, 'guest', 'guest')
    for (const whole of [token, refreshToken ?? '']) {
      for (const text of otherSpellings(whole))
        expect(await introspect(server, client, text)).toEqual(INACTIVE)
      expect(await introspect(server, client, whole)).toMatchObject({ active: true })
    }
  })

  it('the endpoint refuses public and unknown clients', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    for (const who of [credentials(client), { client_id: 'unknown', client_secret: 'x' }]) {
      const response = await server.postJson({ ...who, token: 'x' }, {}, '/oauth2-token/introspect')
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: 'invalid_client' })
    }
  })

  it('a token is inactive after its expiry, its revocation, or the end of its session, user or client', async () => {
    const endings: Record<
      string,
      (server: TestServer, client: TestClient, token: string) => Promise<unknown>
    > = {
      expired: async (server) => (server.clock.time += 3600),
      revoked: (server, client, token) =>
        server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/revoke'),
      'signed out everywhere': (server, _client, token) => signOutUser(server, decodeJwt(token).sub ?? ''),
      'client signed out': (server, client) => endTokensOfClient(server, client.id),
      'user disabled': (server, _client, token) => disableUser(server, decodeJwt(token).sub ?? ''),
    }
    for (const end of Object.values(endings)) {
      const server = new TestServer()
      const [client, asker] = [await server.addClient(), await server.addClient()]
      const user = await server.addUser()
      const { access_token } = await server.signIn(client, user.username)
      expect(await introspect(server, asker, access_token)).toMatchObject({ active: true })
      await end(server, client, access_token)
      expect(await introspect(server, asker, access_token)).toEqual(INACTIVE)
    }
  })

  it('a revoked token of a client and a used refresh token are inactive', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { access_token } = await server.requireTokens({
      grant_type: 'client_credentials',
      ...credentials(client),
    })
    expect(await introspect(server, client, access_token)).toMatchObject({ active: true, sub: client.id })
    await server.postJson({ ...credentials(client), token: access_token }, {}, '/oauth2-token/revoke')
    expect(await introspect(server, client, access_token)).toEqual(INACTIVE)
    const first = await server.signIn(client, 'guest', 'guest')
    const second = await server.refresh(client, first.refresh_token)
    expect(await introspect(server, client, first.refresh_token)).toEqual(INACTIVE)
    expect(await introspect(server, client, second.refresh_token)).toMatchObject({ active: true })
  })
})
