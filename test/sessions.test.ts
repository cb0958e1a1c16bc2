import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { CLIENT_MARGIN_SECONDS } from '../src/storage/copy_ages.ts'
import { auditOf } from './support/audit.ts'
import { KV_DOWN } from './support/faults.ts'
import { readFeed } from './support/feed.ts'
import { credentials, type TestClient, TestServer, type TokenResponse } from './support/server.ts'
import { describeStores, readSession } from './support/session_stores.ts'
import {
  changePassword,
  disableClient,
  disableUser,
  endTokensOfClient,
  signOutUser,
} from './support/sign_out.ts'

const DAY = 86_400

async function guestOf(server: TestServer, client?: TestClient) {
  const owner = client ?? (await server.addClient())
  return { server, client: owner, tokens: await server.signIn(owner, 'guest', 'guest') }
}

async function expectDead(server: TestServer, client: TestClient, refreshToken?: string): Promise<void> {
  const parameters = { grant_type: 'refresh_token', ...credentials(client), refresh_token: refreshToken }
  const response = await server.postJson(parameters)
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({
    error: 'invalid_grant',
    error_description: 'The refresh token is invalid.',
  })
}

function refreshClaims(answer: TokenResponse) {
  return decodeJwt<{ sid: string; seq: number; exp: number }>(answer.refresh_token ?? '')
}

describeStores('the retry window', () => {
  it('a retry with the predecessor gets the same successor: sid, seq and exp', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const first = refreshClaims(await server.refresh(client, tokens.refresh_token))
    server.clock.time += 59
    const again = refreshClaims(await server.refresh(client, tokens.refresh_token))
    expect([again.sid, again.seq, again.exp]).toEqual([first.sid, first.seq, first.exp])
  })

  it('each token can be retried after its use', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    let last = tokens
    for (const seq of [1, 2, 3, 4]) {
      await server.refresh(client, last.refresh_token)
      last = await server.refresh(client, last.refresh_token)
      expect(refreshClaims(last).seq).toBe(seq)
    }
  })

  it('config.yml sets the retry window; without a window, any repeated use of a token is theft', async () => {
    const { server, client, tokens } = await guestOf(new TestServer({ config: { refresh_retry_window: 0 } }))
    const next = await server.refresh(client, tokens.refresh_token)
    await expectDead(server, client, tokens.refresh_token)
    await expectDead(server, client, next.refresh_token)
  })
})

describeStores('theft', () => {
  it('theft ends the session and all its tokens, once, and no other session of the user', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { username, id } = await server.addUser()
    const stolen = await server.signIn(client, username)
    const other = await server.signIn(client, username)
    const current = await server.refresh(client, stolen.refresh_token)
    server.clock.time += 60
    await expectDead(server, client, stolen.refresh_token)
    await expectDead(server, client, current.refresh_token)
    await expectDead(server, client, stolen.refresh_token)
    await server.refresh(client, other.refresh_token)
    const { sid } = refreshClaims(stolen)
    expect(await auditOf({ sid, kind: 'theft' })).toEqual([
      expect.objectContaining({
        outcome: 'ok',
        subject: id,
        client_id: client.id,
        api: 'storefront',
        reason: 'token 0 was used again after the retry window',
      }),
    ])
  })

  it('the use of a token that is older than the predecessor is theft, also within the retry window', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const second = await server.refresh(client, tokens.refresh_token)
    const third = await server.refresh(client, second.refresh_token)
    await expectDead(server, client, tokens.refresh_token)
    await expectDead(server, client, third.refresh_token)
  })

  it('the use by another client is not theft: it is refused and changes nothing', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const other = await server.addClient()
    const current = await server.refresh(client, tokens.refresh_token)
    server.clock.time += 60
    await expectDead(server, other, tokens.refresh_token)
    await expectDead(server, other, current.refresh_token)
    await server.refresh(client, current.refresh_token)
  })
})

describeStores('the life of a session', () => {
  it('session_lifetime limits a session from its start, and no refresh extends it', async () => {
    const server = new TestServer({ config: { session_lifetime: 2 * DAY, refresh_token_lifetime: DAY } })
    const { client, tokens } = await guestOf(server)
    const end = server.clock.time + 2 * DAY
    server.clock.time = end - DAY - 100
    let last = await server.refresh(client, tokens.refresh_token)
    expect(refreshClaims(last).exp).toBe(end - 100)
    server.clock.time = end - 600
    last = await server.refresh(client, last.refresh_token)
    expect(refreshClaims(last).exp).toBe(end)
    expect(last.expires_in).toBe(600)
    expect(decodeJwt(last.access_token).exp).toBe(end)
    server.clock.time = end
    await expectDead(server, client, last.refresh_token)
  })

  it('a shorter session_lifetime ends old sessions at once, and their rows stay until the last token expires', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const never = await guestOf(server, client)
    const next = await server.refresh(client, tokens.refresh_token)
    const capped = new TestServer({ config: { session_lifetime: DAY }, clock: server.clock })
    server.clock.time += DAY
    await expectDead(capped, client, next.refresh_token)
    await expectDead(capped, client, never.tokens.refresh_token)
    const { sid } = refreshClaims(tokens)
    const [row] = await readSession(sid, 'keep_until')
    expect(row).toMatchObject({ keep_until: expect.any(Number) })
    expect(Object.values(row ?? {})[0]).toBeGreaterThanOrEqual(refreshClaims(tokens).exp)
  })

  it('a session has the lifetimes of its client if they are shorter than those of the API', async () => {
    const server = new TestServer()
    const client = await server.addClient({
      accessTokenLifetimeSeconds: 300,
      refreshTokenLifetimeSeconds: DAY,
    })
    const { tokens } = await guestOf(server, client)
    expect(tokens.expires_in).toBe(300)
    expect(refreshClaims(tokens).exp).toBe(server.clock.time + DAY)
    const greedy = await server.addClient({ accessTokenLifetimeSeconds: 7 * DAY })
    expect((await server.signIn(greedy, 'guest', 'guest')).expires_in).toBe(3600)
  })
})

describeStores('a revocation', () => {
  it('the revocation of a user ends every session of this user at once, and no other', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const [user, bystander] = [await server.addUser(), await server.addUser()]
    const sessions = [await server.signIn(client, user.username), await server.signIn(client, user.username)]
    const untouched = await server.signIn(client, bystander.username)
    await signOutUser(server, user.id)
    for (const { refresh_token } of sessions) await expectDead(server, client, refresh_token)
    await server.refresh(client, untouched.refresh_token)
    const again = await server.signIn(client, user.username)
    expect(decodeJwt(again.access_token).iat).toBe(server.clock.time + 3)
    await server.refresh(client, again.refresh_token)
  })

  it('a new password and a disabled user end the sessions', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const { passwords } = server.services
    const before = await server.signIn(client, user.username)
    const hash = await passwords.hash(new TextEncoder().encode('a new password'))
    await changePassword(server, user.id, hash)
    await expectDead(server, client, before.refresh_token)
    const after = await server.signIn(client, user.username, 'a new password')
    await disableUser(server, user.id)
    await expectDead(server, client, after.refresh_token)
    await expect(server.signIn(client, user.username, 'a new password')).rejects.toThrow('invalid_grant')
  })

  it('the revocation of a client ends its tokens and keeps the client', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const bystander = await guestOf(server)
    await endTokensOfClient(server, client.id)
    await expectDead(server, client, tokens.refresh_token)
    await server.refresh(bystander.client, bystander.tokens.refresh_token)
    server.clock.time += 1 + CLIENT_MARGIN_SECONDS
    await server.refresh(client, (await server.signIn(client, 'guest', 'guest')).refresh_token)
  })

  it('a refresh of a disabled client is refused at once, in an isolate with an old copy', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const isolate = new TestServer({ clock: server.clock })
    await isolate.signIn(client, 'guest', 'guest')
    await disableClient(server, client.id)
    await expectDead(isolate, client, tokens.refresh_token)
    const refused = await server.postJson({ grant_type: 'client_credentials', ...credentials(client) })
    expect(refused.status).toBe(401)
    const elsewhere = new TestServer({ clock: server.clock })
    const again = await elsewhere.postJson({ grant_type: 'client_credentials', ...credentials(client) })
    expect(again.status).toBe(401)
    isolate.clock.time += 30
    const bounded = await isolate.postJson({ grant_type: 'client_credentials', ...credentials(client) })
    expect(bounded.status).toBe(401)
  })

  it('the revocation of a client is audited and fails with an error if the copy cannot be written', async () => {
    const client = await new TestServer().addClient()
    const server = new TestServer({ env: { KV: KV_DOWN } })
    const ending = disableClient(server, client.id)
    await expect(ending).rejects.toThrow('the store is down')
    await server.settle()
    expect(await auditOf({ client_id: client.id, kind: 'cut_off' })).toHaveLength(1)
    const refused = await new TestServer().postJson({
      grant_type: 'client_credentials',
      ...credentials(client),
    })
    expect(refused.status).toBe(401)
  })

  it('a second revocation in the same second ends the tokens issued between the two', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    await signOutUser(server, user.id)
    const first = await server.signIn(client, user.username)
    await signOutUser(server, user.id)
    await expectDead(server, client, first.refresh_token)
    const second = await server.signIn(client, user.username)
    const { revocations } = await readFeed(server)
    const { before } = revocations.find(({ sub }) => sub === user.id) ?? {}
    expect(decodeJwt(first.access_token).iat).toBeLessThan(Number(before))
    expect(decodeJwt(second.access_token).iat).toBe(before)
    await server.refresh(client, second.refresh_token)
  })

  it('the revocation of a session includes tokens of the same second, also those dated ahead', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    await signOutUser(server, user.id)
    const tokens = await server.signIn(client, user.username)
    await server.postJson({ ...credentials(client), token: tokens.access_token }, {}, '/oauth2-token/revoke')
    const { revocations } = await readFeed(server)
    const { sid } = refreshClaims(tokens)
    const { before } = revocations.find((entry) => entry.sid === sid) ?? {}
    expect(decodeJwt(tokens.access_token).iat).toBeLessThan(Number(before))
  })
})

describeStores('a lifetime that is made shorter', () => {
  it('a shorter lifetime applies to existing tokens, so that no ended session returns after the sweep', async () => {
    const { server, client, tokens } = await guestOf(new TestServer())
    const shorter = new TestServer({ config: { refresh_token_lifetime: DAY }, clock: server.clock })
    await shorter.postJson({ ...credentials(client), token: tokens.access_token }, {}, '/oauth2-token/revoke')
    server.clock.time += DAY
    await shorter.sweep()
    await expectDead(shorter, client, tokens.refresh_token)
    const { sid } = refreshClaims(tokens)
    const reasons = (await auditOf({ sid, kind: 'refresh_refused' })).map((event) => event.reason)
    expect(reasons).toEqual(['the token has expired under the current lifetime'])
  })
})

describe('shards', () => {
  const shards = [
    { name: 's1', binding: 'DB', continents: [] },
    { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU', 'AF'] },
  ]

  it('a new session goes to the shard of its continent, and its sid names the shard', async () => {
    const server = new TestServer({ config: { session_shards: shards } })
    const client = await server.addClient()
    const from = async (continent: string) => {
      server.continent = continent
      return server.signIn(client, 'guest', 'guest')
    }
    const [european, american] = [await from('EU'), await from('NA')]
    expect(refreshClaims(european).sid).toMatch(/^eu\./)
    expect(refreshClaims(american).sid).toMatch(/^s1\./)
    for (const tokens of [european, american]) await server.refresh(client, tokens.refresh_token)
    const rowsIn = async (db: D1Database, tokens: TokenResponse) => {
      const select = db.prepare('SELECT count(*) AS n FROM sessions WHERE sid = ?')
      return select.bind(refreshClaims(tokens).sid).first('n')
    }
    expect(await rowsIn(env.SESSIONS_EU, european)).toBe(1)
    expect(await rowsIn(env.DB, european)).toBe(0)
    expect(await rowsIn(env.DB, american)).toBe(1)
  })

  it('a session of a shard that is no longer configured is refused', async () => {
    const server = new TestServer({ config: { session_shards: shards } })
    const client = await server.addClient()
    server.continent = 'EU'
    const { username } = await server.addUser()
    const { refresh_token } = await server.signIn(client, username)
    const without = new TestServer({ clock: server.clock })
    await expectDead(without, client, refresh_token)
    const { sid } = decodeJwt<{ sid: string }>(refresh_token ?? '')
    await without.postJson({ ...credentials(client), token: refresh_token }, {}, '/oauth2-token/revoke')
    expect((await readFeed(without)).revocations).toContainEqual({ sid, before: server.clock.time + 60 })
  })
})
