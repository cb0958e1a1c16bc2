import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { CLIENT_MARGIN_SECONDS } from '../src/storage/copy_ages.ts'
import { createVerifier } from '../verify/index.ts'
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
  type TokenAnswer,
} from './support/server.ts'

/** From the second of a change of a client: so long it gets 503 instead of tokens that its cut-off would end. */
const CLIENT_PAUSE_SECONDS = 1 + CLIENT_MARGIN_SECONDS
const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

async function scene() {
  const server = new TestServer()
  const operator = await TestOperator.signIn(server)
  const client = await server.addClient()
  const user = await server.addUser({ roles: ['vip', 'wholesale'] })
  const [verifier, strict] = [5, 0].map((leewaySeconds) =>
    createVerifier({
      ...{ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, revocations: { pollSeconds: 0 }, leewaySeconds },
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    }),
  )
  if (!verifier || !strict) throw new Error('two verifiers')
  /** What an API says of an access token once it has read the feed. */
  const verify = (token: string, now = server.clock.time) => verifier.verify(token, { now })
  /** The same of an API that lets no clock differ. */
  const verifyStrictly = (token: string) => strict.verify(token, { now: server.clock.time })
  return { server, operator, client, user, verify, verifyStrictly }
}

async function introspect(server: TestServer, client: TestClient, token = '') {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return response.json<Record<string, unknown>>()
}

function machineTokens(server: TestServer, client: TestClient): Promise<TokenAnswer> {
  return server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
}

async function patch(operator: TestOperator, path: string, body: unknown): Promise<void> {
  const { headers } = await operator.get(path)
  expect((await operator.patch(path, body, headers.get('ETag'))).status).toBe(200)
}

describe('a role that is removed from a user', () => {
  it('ends the access tokens from before at APIs and at introspection, and the session goes on without it', async () => {
    const { server, operator, client, user, verify } = await scene()
    const before = await server.signIn(client, user.username)
    await patch(operator, `/users/${user.id}`, { roles: ['wholesale'] })
    await expect(verify(before.access_token)).rejects.toThrow('it was revoked: by its sub')
    expect(await introspect(server, client, before.access_token)).toEqual({ active: false })
    expect(await introspect(server, client, before.refresh_token)).toMatchObject({ active: true })
    const after = await server.refresh(client, before.refresh_token)
    expect(await verify(after.access_token)).toMatchObject({ roles: ['wholesale'] })
    expect(await introspect(server, client, after.access_token)).toMatchObject({
      ...{ active: true, roles: ['wholesale'] },
    })
    expect(decodeJwt(after.access_token).sid).toBe(decodeJwt(before.access_token).sid)
    // The session of another sign-in in the same second is as good.
    const again = await server.signIn(client, user.username)
    expect(await verify(again.access_token)).toMatchObject({ roles: ['wholesale'] })
    await server.refresh(client, after.refresh_token)
  })

  it('is one change, one event and one entry of the feed', async () => {
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

  it('ends the tokens that were issued after another removal in the same second', async () => {
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
  ])('is told from %s, which lists nothing', async (_case, edit) => {
    const { server, operator, client, user } = await scene()
    const { access_token } = await server.signIn(client, user.username)
    await patch(operator, `/users/${user.id}`, edit)
    expect((await readFeed(server)).revocations.filter(({ sub }) => sub === user.id)).toEqual([])
    expect(await introspect(server, client, access_token)).toMatchObject({ active: true })
  })

  it('leaves an operator signed in at the console and at the admin API, after a refresh', async () => {
    const { server, operator } = await scene()
    const demoted = await TestOperator.signIn(server)
    await patch(operator, `/users/${demoted.id}`, { roles: ['support'] })
    expect((await demoted.get('/users')).status).toBe(401)
    await demoted.refresh()
    expect((await demoted.get('/users')).status).toBe(200)
    expect((await demoted.post('/clients', {})).status).toBe(403)
  })
})

describe('a scope or a grant that is removed from a client', () => {
  it('ends the access tokens from before, those of users, guests and the client itself, and no session', async () => {
    const { server, operator, client, user, verify, verifyStrictly } = await scene()
    const before = await server.signIn(client, user.username)
    const guest = await server.signIn(client, 'guest', 'guest')
    const machine = await machineTokens(server, client)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart', 'catalog'] })
    for (const { access_token } of [before, guest, machine]) {
      await expect(verify(access_token)).rejects.toThrow('it was revoked: by its client_id')
      expect(await introspect(server, client, access_token)).toEqual({ active: false })
    }
    server.clock.time += CLIENT_PAUSE_SECONDS
    const after = [
      await server.refresh(client, before.refresh_token),
      await server.refresh(client, guest.refresh_token),
      await machineTokens(server, client),
      await server.signIn(client, user.username),
      await server.signIn(client, 'guest', 'guest'),
    ]
    for (const { access_token } of after) {
      expect(decodeJwt(access_token).iat).toBe(server.clock.time)
      expect(await verify(access_token)).toMatchObject({ scope: ['cart', 'catalog'] })
      expect(await verifyStrictly(access_token)).toMatchObject({ scope: ['cart', 'catalog'] })
      expect(await introspect(server, client, access_token)).toMatchObject({ active: true })
    }
  })

  it(`gives no token for ${CLIENT_PAUSE_SECONDS} s, and then only tokens that every API accepts`, async () => {
    const { server, operator, client, user, verify, verifyStrictly } = await scene()
    // One session for each second, so that each refresh is the first use of its token.
    const sessions: TokenAnswer[] = []
    for (let i = 0; i <= 2 * CLIENT_PAUSE_SECONDS; i++)
      sessions.push(await server.signIn(client, user.username))
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const start = server.clock.time
    for (const [age, { refresh_token }] of sessions.entries()) {
      server.clock.time = start + age
      for (const grant of [
        { grant_type: 'refresh_token', refresh_token },
        { grant_type: 'client_credentials' },
        { grant_type: 'password', username: 'guest', password: 'guest' },
        { grant_type: 'password', username: user.username, password: PASSWORD },
      ]) {
        const response = await server.postJson({ ...grant, ...credentials(client) })
        const body = await response.json<TokenAnswer>()
        if (age < CLIENT_PAUSE_SECONDS) {
          const retryAfter = response.headers.get('Retry-After')
          const wait = String(CLIENT_PAUSE_SECONDS - age)
          expect([age, response.status, retryAfter, body]).toEqual([age, 503, wait, UNAVAILABLE])
        } else {
          expect([age, response.status]).toEqual([age, 200])
          expect(await verify(body.access_token)).toMatchObject({ scope: ['cart'] })
          expect(await verifyStrictly(body.access_token)).toMatchObject({ scope: ['cart'] })
        }
      }
    }
  }, 60_000)

  it('uses up no refresh token that is refused with 503, and describes it as active', async () => {
    const { server, operator, client, user } = await scene()
    const { refresh_token } = await server.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const refresh = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
    expect((await server.postJson(refresh)).status).toBe(503)
    expect(await introspect(server, client, refresh_token)).toMatchObject({ active: true })
    const rows = env.DB.prepare('SELECT count(*) AS n FROM sessions WHERE client_id = ?').bind(client.id)
    expect(await rows.first('n')).toBe(0)
    server.clock.time += CLIENT_PAUSE_SECONDS
    const next = await server.refresh(client, refresh_token)
    await server.refresh(client, next.refresh_token)
    expect(await auditOf({ kind: 'refresh_refused', client_id: client.id })).toEqual([])
  })

  it('gives 503 also where the sessions have a database of their own', async () => {
    const { server, operator, client, user } = await scene()
    const shards = { session_shards: [{ name: 'eu', binding: 'SESSIONS_EU' }] }
    const sharded = new TestServer({ config: shards, clock: server.clock })
    const { refresh_token } = await sharded.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const refresh = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
    expect((await sharded.postJson(refresh)).status).toBe(503)
    server.clock.time += CLIENT_PAUSE_SECONDS
    expect(await sharded.refresh(client, refresh_token)).toMatchObject({ scope: 'cart' })
  })

  it('counts for a refresh also where an isolate has an old copy of the client', async () => {
    const { server, operator, client, user, verifyStrictly } = await scene()
    const elsewhere = server.anotherIsolate()
    const { refresh_token } = await elsewhere.signIn(client, user.username)
    await patch(operator, `/clients/${client.id}`, { scopes: ['cart'] })
    const refresh = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
    const response = await elsewhere.postJson(refresh)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([
      503,
      String(CLIENT_PAUSE_SECONDS),
    ])
    server.clock.time += CLIENT_PAUSE_SECONDS
    const after = await elsewhere.refresh(client, refresh_token)
    expect(after.scope).toBe('cart')
    expect(await verifyStrictly(after.access_token)).toMatchObject({ scope: ['cart'] })
  })

  it('is a cut-off for a grant, too', async () => {
    const { server, operator, client, verify } = await scene()
    const { access_token } = await machineTokens(server, client)
    await patch(operator, `/clients/${client.id}`, { grants: ['password'] })
    await expect(verify(access_token)).rejects.toThrow('it was revoked: by its client_id')
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
  ])('is told from %s, which list nothing', async (_case, edit) => {
    const { server, operator } = await scene()
    const client = await server.addClient({ scopes: ['cart'], grants: ['client_credentials'] })
    const { access_token } = await machineTokens(server, client)
    await patch(operator, `/clients/${client.id}`, edit)
    const { revocations } = await readFeed(server)
    expect(revocations.filter(({ client_id }) => client_id === client.id)).toEqual([])
    expect(await introspect(server, client, access_token)).toMatchObject({ active: true, scope: 'cart' })
  })
})
