import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { createVerifier } from '../packages/verify/src/index.ts'
import { CLIENT_MARGIN_SECONDS } from '../src/storage/copy_ages.ts'
import { auditOf } from './support/audit.ts'
import { readFeed } from './support/feed.ts'
import { TestOperator } from './support/operator.ts'
import {
  credentials,
  ISSUER,
  PASSWORD,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
  type TokenResponse,
} from './support/server.ts'

/** The margin of a client's revocation, in seconds. */
const REVOCATION_SECONDS = 1 + CLIENT_MARGIN_SECONDS

async function scene() {
  const server = new TestServer()
  const operator = await TestOperator.signIn(server)
  const client = await server.addClient()
  const user = await server.addUser({ roles: ['vip', 'wholesale'] })
  const api = {
    issuer: ISSUER,
    audience: STOREFRONT_AUDIENCE,
    revocations: { pollSeconds: 0 },
    fetch: (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init),
  }
  const [verifier, strict] = [createVerifier(api), createVerifier({ ...api, leewaySeconds: 0 })]
  /** Whether an API accepts an access token after it has read the feed. */
  const verify = (token: string) => verifier.verify(token, { now: server.clock.time })
  /** The same for an API without leeway for clocks. */
  const verifyStrictly = (token: string) => strict.verify(token, { now: server.clock.time })
  return { server, operator, client, user, verify, verifyStrictly }
}

async function introspect(server: TestServer, client: TestClient, token = '') {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return response.json<Record<string, unknown>>()
}

function machineTokens(server: TestServer, client: TestClient): Promise<TokenResponse> {
  return server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
}

async function patch(operator: TestOperator, path: string, body: unknown): Promise<void> {
  const { headers } = await operator.get(path)
  expect((await operator.patch(path, body, headers.get('ETag'))).status).toBe(200)
}

describe('a role that is removed from a user', () => {
  it('older access tokens are refused by APIs and introspection, and the session continues without the role', async () => {
    const { server, operator, client, user, verify } = await scene()
    const before = await server.signIn(client, user.username)
    await patch(operator, `/users/${user.id}`, { roles: ['wholesale'] })
    await expect(verify(before.access_token)).rejects.toThrow('it was revoked by its sub')
    expect(await introspect(server, client, before.access_token)).toEqual({ active: false })
    expect(await introspect(server, client, before.refresh_token)).toMatchObject({ active: true })
    const after = await server.refresh(client, before.refresh_token)
    expect(await verify(after.access_token)).toMatchObject({ roles: ['wholesale'] })
    expect(await introspect(server, client, after.access_token)).toMatchObject({
      active: true,
      roles: ['wholesale'],
    })
    expect(decodeJwt(after.access_token).sid).toBe(decodeJwt(before.access_token).sid)
    // A session that began in the same second is also valid.
    const again = await server.signIn(client, user.username)
    expect(await verify(again.access_token)).toMatchObject({ roles: ['wholesale'] })
    await server.refresh(client, after.refresh_token)
  })

  it('the removal writes one change, one event and one feed entry', async () => {
    const { server, operator, user } = await scene()
    await patch(operator, `/users/${user.id}`, { roles: [] })
    const { revocations } = await readFeed(server)
    expect(revocations.filter(({ sub }) => sub === user.id)).toEqual([
      { sub: user.id, before: server.clock.time + 3 },
    ])
    expect(await auditOf({ subject: user.id })).toMatchObject([
      { kind: 'admin', outcome: 'ok', reason: 'the user was changed', actor: operator.id },
    ])
    const row = await env.DB.prepare('SELECT tokens_valid_from, access_valid_from FROM users WHERE id = ?')
      .bind(user.id)
      .first()
    expect(row).toEqual({ tokens_valid_from: 0, access_valid_from: server.clock.time + 3 })
  })

  it('a second removal in the same second ends the tokens issued between the two', async () => {
    const { server, operator, client, user, verify } = await scene()
    await patch(operator, `/users/${user.id}`, { roles: ['wholesale'] })
    const between = await server.signIn(client, user.username)
    await patch(operator, `/users/${user.id}`, { roles: [] })
    await expect(verify(between.access_token)).rejects.toThrow('it was revoked')
    const after = await server.refresh(client, between.refresh_token)
    expect(await verify(after.access_token)).toMatchObject({ roles: [] })
  })

  it.each([
    ['a role that is added', { roles: ['vip', 'wholesale', 'new'] }],
    ['the same roles in another order', { roles: ['wholesale', 'vip'] }],
    ['another name', { profile: { name: 'Another' } }],
    ['a request for a new password', { must_change_password: true }],
  ])('the change of a role %s adds no feed entry', async (_case, edit) => {
    const { server, operator, client, user } = await scene()
    const { access_token } = await server.signIn(client, user.username)
    await patch(operator, `/users/${user.id}`, edit)
    expect((await readFeed(server)).revocations.filter(({ sub }) => sub === user.id)).toEqual([])
    expect(await introspect(server, client, access_token)).toMatchObject({ active: true })
  })

  it('an operator stays signed in at the console and the admin API, after a refresh', async () => {
    const { server, operator } = await scene()
    const demoted = await TestOperator.signIn(server)
    await patch(operator, `/users/${demoted.id}`, { roles: ['support'] })
    expect((await demoted.get('/users')).status).toBe(401)
    await demoted.refresh()
    expect((await demoted.get('/users')).status).toBe(200)
    expect((await demoted.post('/clients', {})).status).toBe(403)
  })
})

describe('a right that is removed from a client', () => {
  it('older access tokens of users, guests and the client are refused, and sessions continue', async () => {
    const { server, operator, client, user, verify } = await scene()
    const before = await server.signIn(client, user.username)
    const guest = await server.signIn(client, 'guest', 'guest')
    const machine = await machineTokens(server, client)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart', 'catalog'] })
    for (const { access_token } of [before, guest, machine]) {
      await expect(verify(access_token)).rejects.toThrow('it was revoked by its client_id')
      expect(await introspect(server, client, access_token)).toEqual({ active: false })
    }
    server.clock.time += REVOCATION_SECONDS
    const after = [
      await server.refresh(client, before.refresh_token),
      await server.refresh(client, guest.refresh_token),
      await machineTokens(server, client),
      await server.signIn(client, user.username),
      await server.signIn(client, 'guest', 'guest'),
    ]
    for (const { access_token } of after) {
      expect(await verify(access_token)).toMatchObject({ scope: ['cart', 'catalog'] })
      expect(await introspect(server, client, access_token)).toMatchObject({ active: true })
    }
  })

  it('the client gets 503 until the margin is over, and no token or sign-in is consumed', async () => {
    const { server, operator, client, user, verify, verifyStrictly } = await scene()
    const { refresh_token = '' } = await server.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const requests = [
      { grant_type: 'refresh_token', refresh_token },
      { grant_type: 'password', username: user.username, password: PASSWORD },
      { grant_type: 'password', username: 'guest', password: 'guest' },
      { grant_type: 'client_credentials' },
    ]
    for (let left = REVOCATION_SECONDS; left > 0; left--) {
      for (const request of requests) {
        const response = await server.postJson({ ...request, ...credentials(client) })
        expect([response.status, response.headers.get('Retry-After')]).toEqual([503, String(left)])
        expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
      }
      expect(await introspect(server, client, refresh_token)).toMatchObject({ active: true })
      server.clock.time++
    }
    for (const request of requests) {
      const { access_token } = await server.requireTokens({ ...request, ...credentials(client) })
      expect(decodeJwt(access_token).iat).toBe(server.clock.time)
      expect(await verify(access_token)).toMatchObject({ scope: ['cart'] })
      expect(await verifyStrictly(access_token)).toMatchObject({ scope: ['cart'] })
    }
  })

  it('a sign-out of the user a second later ends every token', async () => {
    const { server, operator, client, user } = await scene()
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const issued: TokenResponse[] = []
    for (let second = 0; second <= REVOCATION_SECONDS; second++) {
      const body = {
        grant_type: 'password',
        ...credentials(client),
        username: user.username,
        password: PASSWORD,
      }
      const response = await server.postJson(body)
      if (response.status === 200) issued.push(await response.json<TokenResponse>())
      server.clock.time++
      expect((await operator.post(`/users/${user.id}/sign-out`)).status).toBe(200)
    }
    expect(issued).toHaveLength(1)
    for (const { access_token, refresh_token } of issued) {
      expect(await introspect(server, client, access_token)).toEqual({ active: false })
      expect(await introspect(server, client, refresh_token)).toEqual({ active: false })
    }
  })

  it('a refresh without the grant is refused also in an isolate with an old copy of the client', async () => {
    const { server, operator, client, user } = await scene()
    const elsewhere = server.anotherIsolate()
    const { refresh_token } = await elsewhere.signIn(client, user.username)
    server.clock.time += 1
    await patch(operator, `/clients/${client.id}`, { grants: ['client_credentials'] })
    server.clock.time += REVOCATION_SECONDS
    const body = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
    const answers = [await elsewhere.postJson(body), await server.postJson(body)]
    for (const answer of answers) {
      expect([answer.status, await answer.json()]).toEqual([
        400,
        {
          error: 'unauthorized_client',
          error_description: 'The client is not allowed to use this grant type.',
        },
      ])
    }
  })

  it('a client that lists refresh_token refreshes its sessions also without the grant that started them', async () => {
    const { server, operator, client, user, verify } = await scene()
    const { refresh_token } = await server.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { grants: ['client_credentials', 'refresh_token'] })
    server.clock.time += REVOCATION_SECONDS
    const { access_token } = await server.refresh(client, refresh_token)
    expect(await verify(access_token)).toMatchObject({ subject: user.id })
  })

  it.each([
    ['in the main database', {}],
    ['in a database of their own', { session_shards: [{ name: 'eu', binding: 'SESSIONS_EU' }] }],
  ])(
    'a refresh gets 503 also in an isolate with an old copy of the client, with sessions %s',
    async (_, config) => {
      const { server, operator, client, user, verifyStrictly } = await scene()
      const elsewhere = new TestServer({ config, clock: server.clock })
      const { refresh_token } = await elsewhere.signIn(client, user.username)
      await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
      const refresh = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
      const refused = await elsewhere.postJson(refresh)
      expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, String(REVOCATION_SECONDS)])
      server.clock.time += REVOCATION_SECONDS
      const after = await elsewhere.refresh(client, refresh_token)
      expect([after.scope, decodeJwt(after.refresh_token ?? '').seq]).toEqual(['cart', 1])
      expect(await verifyStrictly(after.access_token)).toMatchObject({ scope: ['cart'] })
      expect(await auditOf({ kind: 'refresh_refused', client_id: client.id })).toEqual([])
    },
  )

  it.each([
    ['a grant', { grants: ['password'] }],
    ['first party', { first_party: false }],
  ])(
    'access tokens are revoked if a client loses a grant or is no longer first-party: %s',
    async (_case, edit) => {
      const { server, operator, verify } = await scene()
      const client = await server.addClient({ isFirstParty: true })
      const { access_token } = await machineTokens(server, client)
      await patch(operator, `/clients/${client.id}`, edit)
      await expect(verify(access_token)).rejects.toThrow('it was revoked by its client_id')
    },
  )

  it('the sessions of a client that is no longer first-party end, because their users gave no consent', async () => {
    const { server, operator, user, verify } = await scene()
    const client = await server.addClient({ isFirstParty: true })
    const { access_token, refresh_token } = await server.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { first_party: false })
    await expect(verify(access_token)).rejects.toThrow('it was revoked by its client_id')
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('400 {"error":"invalid_grant"')
  })

  it.each([
    [
      'a grant and scopes that are added',
      { grants: ['client_credentials', 'password'], scopes: ['cart', 'orders'] },
    ],
    [
      'other origins, lifetimes and another name',
      { origins: [], access_token_lifetime: 600, name: 'Another' },
    ],
    [
      'redirect URIs that are removed, first party that is added, and other settings of sign-ins by browser',
      {
        redirect_uris: [],
        post_logout_redirect_uris: [],
        first_party: true,
        require_pkce: false,
        id_token_signed_response_alg: 'ES256',
      },
    ],
  ])('%s add no feed entry', async (_case, edit) => {
    const { server, operator } = await scene()
    const uris = ['https://shop.example.com/callback']
    const redirects = { redirectUris: uris, postLogoutRedirectUris: uris }
    const client = await server.addClient({ scopes: ['cart'], grants: ['client_credentials'], ...redirects })
    const { access_token } = await machineTokens(server, client)
    await patch(operator, `/clients/${client.id}`, edit)
    const { revocations } = await readFeed(server)
    expect(revocations.filter(({ client_id }) => client_id === client.id)).toEqual([])
    expect(await introspect(server, client, access_token)).toMatchObject({ active: true, scope: 'cart' })
  })
})
