import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { credentials, ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer } from './support/server.ts'
import { otherSpellings } from './support/tokens.ts'

async function introspect(server: TestServer, client: TestClient, token = ''): Promise<unknown> {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  expect(response.status).toBe(200)
  expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  return response.json()
}

const INACTIVE = { active: false }

describe('POST /oauth2-token/introspect (RFC 7662)', () => {
  it('tells a confidential client of the same API what a live token says', async () => {
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
    }
    expect(await introspect(server, asker, tokens.access_token)).toEqual({
      ...common,
      token_type: 'Bearer',
      aud: STOREFRONT_AUDIENCE,
      ...{ iat, exp, jti },
      roles: ['wholesale'],
    })
    expect(await introspect(server, asker, tokens.refresh_token)).toEqual({
      ...common,
      aud: ISSUER,
      iat,
      exp: decodeJwt(tokens.refresh_token ?? '').exp,
      jti: `${sid}.0`,
    })
  })

  it('says no more than inactive to a client of another API, and of what is no token', async () => {
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

  it('says inactive of a token whose signature is written another way (RFC 7515 §2)', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { access_token: token, refresh_token: refreshToken } = await server.signIn(client, 'guest', 'guest')
    for (const whole of [token, refreshToken ?? '']) {
      for (const text of otherSpellings(whole))
        expect(await introspect(server, client, text)).toEqual(INACTIVE)
      expect(await introspect(server, client, whole)).toMatchObject({ active: true })
    }
  })

  it('is refused to public clients and to nobody in particular', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    for (const who of [credentials(client), { client_id: 'nobody', client_secret: 'x' }]) {
      const response = await server.postJson({ ...who, token: 'x' }, {}, '/oauth2-token/introspect')
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: 'invalid_client' })
    }
  })

  it('is inactive once the token expired, its session ended, its person or client was cut off, or it was revoked', async () => {
    const endings: Record<
      string,
      (server: TestServer, client: TestClient, token: string) => Promise<unknown>
    > = {
      expired: async (server) => (server.clock.time += 3600),
      revoked: (server, client, token) =>
        server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/revoke'),
      'signed out everywhere': (server, _client, token) =>
        server.services.signOut.everywhere(decodeJwt(token).sub ?? '', server.context()),
      'client cut off': (server, client) =>
        server.services.signOut.endTokensOfClient(client.id, 'its secret leaked', server.context()),
      'user disabled': (server, _client, token) =>
        server.services.signOut.disableUser(decodeJwt(token).sub ?? '', server.context()),
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

  it('knows a revoked machine token, and a refresh token that was used', async () => {
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
