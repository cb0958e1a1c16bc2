import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { readFeed } from './support/feed.ts'
import { TestOperator } from './support/operator.ts'
import {
  credentials,
  emptyStores,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from './support/server.ts'

const HOUR = 3600

async function shop() {
  const server = new TestServer()
  const client = await server.addClient()
  const user = await server.addUser()
  return { server, client, user }
}

function revoke(server: TestServer, client: TestClient, token = ''): Promise<Response> {
  return server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/revoke')
}

async function introspect(server: TestServer, client: TestClient, token: string): Promise<unknown> {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return response.json()
}

const sidOf = ({ access_token }: TokenResponse) => decodeJwt<{ sid: string }>(access_token).sid

const rows = () => env.DB.prepare('SELECT count(*) AS n FROM cutoffs').first<number>('n')

describe('the entries of the revocation feed', () => {
  beforeEach(emptyStores)

  it.each<[string, (setting: Awaited<ReturnType<typeof shop>>, guest: TokenResponse) => Promise<unknown>]>([
    ['a sign-out', ({ server, client }, guest) => revoke(server, client, guest.access_token)],
    [
      'a merge into a customer',
      ({ server, client, user }, guest) =>
        server.requireTokens({
          grant_type: 'password',
          ...credentials(client),
          username: user.username,
          password: PASSWORD,
          visitor_access_token: guest.access_token,
        }),
    ],
    [
      'theft',
      async ({ server, client }, guest) => {
        await server.refresh(client, guest.refresh_token)
        server.clock.time += 61
        await server.refresh(client, guest.refresh_token).catch(() => {})
      },
    ],
  ])(
    "the feed does not list a guest's session that ended by %s, but its tokens are refused",
    async (_cause, end) => {
      const setting = await shop()
      const { server, client } = setting
      const guest = await server.signIn(client, 'guest', 'guest')
      await end(setting, guest)
      expect((await readFeed(server)).revocations).toEqual([])
      expect(await rows()).toBe(0)
      expect(await introspect(server, client, guest.access_token)).toEqual({ active: false })
      await expect(server.refresh(client, guest.refresh_token)).rejects.toThrow('invalid_grant')
    },
  )

  it("the feed lists a guest's session that an operator ended", async () => {
    const { server, client } = await shop()
    const operator = await TestOperator.signIn(server)
    const guest = await server.signIn(client, 'guest', 'guest')
    await operator.delete(`/sessions/${sidOf(guest)}`)
    const entry = { sid: sidOf(guest), before: server.clock.time + 60 }
    expect((await readFeed(server)).revocations).toEqual([entry])
  })

  it('the feed drops a session when its last access token has expired, with a margin for clocks', async () => {
    const { server, client, user } = await shop()
    const [early, late] = [
      await server.signIn(client, user.username),
      await server.signIn(client, user.username),
    ]
    server.clock.time += HOUR + 59
    await revoke(server, client, early.refresh_token)
    expect((await readFeed(server)).revocations).toEqual([
      { sid: sidOf(early), before: server.clock.time + 60 },
    ])
    server.clock.time += 1
    await revoke(server, client, late.refresh_token)
    expect(await rows()).toBe(1)
    await expect(server.refresh(client, late.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a retry counts as the last access token of a session', async () => {
    const { server, client, user } = await shop()
    const first = await server.signIn(client, user.username)
    const next = await server.refresh(client, first.refresh_token)
    server.clock.time += 59
    await server.refresh(client, first.refresh_token)
    server.clock.time += HOUR
    await revoke(server, client, next.refresh_token)
    expect((await readFeed(server)).revocations).toHaveLength(1)
  })

  it("an entry ends with the last token of the session's API, not of other APIs", async () => {
    const storefront = { audience: 'https://shop.test/api', users: 'customers', access_token_lifetime: 300 }
    const backoffice = { audience: 'https://shop.test/office', users: 'staff', access_token_lifetime: 7200 }
    const server = new TestServer({ config: { apis: { storefront, backoffice } } })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const { refresh_token } = await server.signIn(client, username)
    await revoke(server, client, refresh_token)
    const listed = async () => (await readFeed(server)).revocations.length
    server.clock.time += 300 + 60 + 59
    expect(await listed()).toBe(1)
    server.clock.time += 1
    expect(await listed()).toBe(0)
  })

  it("the feed lists a machine's revoked token once, until a minute after its exp", async () => {
    const { server, client } = await shop()
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    const { access_token } = await server.requireTokens(machine)
    server.clock.time += 1000
    for (let i = 0; i < 3; i++) await revoke(server, client, access_token)
    const { jti, exp = 0 } = decodeJwt(access_token)
    const first = await readFeed(server)
    expect(first.revocations).toEqual([{ jti, before: server.clock.time + 3 }])
    expect(first.sequence).toBe(1)
    server.clock.time = exp + 59
    expect((await readFeed(server)).revocations).toHaveLength(1)
    server.clock.time = exp + 60
    expect((await readFeed(server)).revocations).toEqual([])
  })

  it('a second revocation after the removal of an entry adds no entry', async () => {
    const { server, client, user } = await shop()
    const first = await server.signIn(client, user.username)
    await revoke(server, client, first.refresh_token)
    await env.DB.prepare('DELETE FROM cutoffs').run()
    await revoke(server, client, first.refresh_token)
    expect(await rows()).toBe(0)
  })

  it.each([
    ['its client', 'client_id'],
    ['every token', 'all'],
  ])("a client's own token stays revoked if %s was merged into a coarser entry", async (_what, kind) => {
    const { server, client } = await shop()
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    const { access_token: dead } = await server.requireTokens(machine)
    server.clock.time += 10
    const { access_token: alive } = await server.requireTokens(machine)
    const before = server.clock.time
    const value = kind === 'all' ? '' : client.id
    await env.DB.prepare(
      `INSERT INTO cutoffs (kind, value, before, reason, created_at) VALUES (?, ?, ?, 'merged', ?)`,
    )
      .bind(kind, value, before, before)
      .run()
    expect(await introspect(server, client, dead)).toEqual({ active: false })
    expect(await introspect(server, client, alive)).toMatchObject({ active: true })
    const entry = { [kind]: kind === 'all' ? true : value, before }
    expect((await readFeed(server)).revocations).toEqual([entry])
  })
})
