import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import type { RefreshPolicy } from '../src/oauth/refresh_policy.ts'
import { type AroundCall, aroundD1 } from './support/around_d1.ts'
import { aroundObjects } from './support/around_objects.ts'
import { CODE_CLIENT, exchangeOf, newCode } from './support/authorize.ts'
import { DpopKey } from './support/dpop.ts'
import { readFeed } from './support/feed.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, type TestClient, TestServer, type TokenResponse } from './support/server.ts'
import { describeStores, readSession } from './support/session_stores.ts'

const HOUR = 3600
const MONTH = 30 * 24 * HOUR
const REFUSED = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }

async function signedIn(policy: RefreshPolicy, server = new TestServer()) {
  const client = await server.addClient({ refreshPolicy: policy })
  const user = await server.addUser()
  return { server, client, user, tokens: await server.signIn(client, user.username) }
}

const sidOf = ({ access_token }: TokenResponse) => decodeJwt<{ sid: string }>(access_token).sid
const seqOf = ({ refresh_token = '' }: TokenResponse) => decodeJwt<{ seq: number }>(refresh_token).seq

function send(server: TestServer, client: TestClient, token?: string): Promise<Response> {
  return server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: token })
}

async function expectRefused(response: Response): Promise<void> {
  expect([response.status, await response.json()]).toEqual([400, REFUSED])
}

async function isActive(server: TestServer, client: TestClient, token: string | undefined): Promise<boolean> {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return (await response.json<{ active: boolean }>()).active
}

describeStores('the refresh policy until_used', () => {
  it('a used token gets the same successor until the successor is used, then the newest token for the retry window', async () => {
    const { server, client, tokens } = await signedIn('until_used')
    const lost = await server.refresh(client, tokens.refresh_token)
    server.clock.time += 10 * HOUR
    expect(await isActive(server, client, tokens.refresh_token)).toBe(true)
    const again = await server.refresh(client, tokens.refresh_token)
    const { jti, exp } = decodeJwt(lost.refresh_token ?? '')
    expect(decodeJwt(again.refresh_token ?? '')).toMatchObject({ jti, exp, seq: 1 })
    const second = await server.refresh(client, lost.refresh_token)
    const third = await server.refresh(client, second.refresh_token)
    expect(await isActive(server, client, tokens.refresh_token)).toBe(false)
    server.clock.time += 59
    expect(seqOf(await server.refresh(client, tokens.refresh_token))).toBe(3)
    server.clock.time += 1
    await expectRefused(await send(server, client, tokens.refresh_token))
    await expectRefused(await send(server, client, third.refresh_token))
    expect(await isActive(server, client, third.access_token)).toBe(false)
  })

  it('a token that is more than 32 refreshes old is theft, also within a long retry window', async () => {
    const server = new TestServer()
    const client = await server.addClient({ refreshPolicy: 'until_used', refreshRetryWindowSeconds: 3600 })
    const tokens = [await server.signIn(client, 'guest', 'guest')]
    for (let i = 0; i < 34; i++) tokens.push(await server.refresh(client, tokens.at(-1)?.refresh_token))
    expect(seqOf(await server.refresh(client, tokens[1]?.refresh_token))).toBe(34)
    await expectRefused(await send(server, client, tokens[0]?.refresh_token))
    await expectRefused(await send(server, client, tokens.at(-1)?.refresh_token))
  })

  it('the timeline explains a late retry and the theft', async () => {
    const { server, client, tokens } = await signedIn('until_used')
    const operator = await TestOperator.signIn(server)
    const next = await server.refresh(client, tokens.refresh_token)
    await server.refresh(client, next.refresh_token)
    server.clock.time += 60
    await expectRefused(await send(server, client, tokens.refresh_token))
    const { body } = await operator.get(`/sessions/${sidOf(tokens)}/timeline`)
    expect(body).toMatchObject({
      session: { refresh_policy: 'until_used', state: 'ended' },
      ending: 'The session ended because an old refresh token was used again: it may be stolen (theft).',
    })
    expect(
      (body.events as { kind: string; reason: string }[]).find(({ kind }) => kind === 'theft')?.reason,
    ).toBe('token 0 was used again after the retry window of its successor')
  })
})

describeStores('the refresh policy fixed', () => {
  it('a refresh returns the same token and writes no session row, also after the exchange of a code', async () => {
    const written: string[] = []
    const around: AroundCall = async (sql, call) => {
      if (/(INTO|UPDATE) sessions/.test(sql)) written.push(sql)
      return call()
    }
    const server = new TestServer({ env: { DB: aroundD1(around), SESSION_OBJECTS: aroundObjects(around) } })
    const client = await server.addClient({
      ...CODE_CLIENT,
      grants: ['authorization_code', 'refresh_token', 'password'],
      confidential: true,
      refreshPolicy: 'fixed',
    })
    const { id, username } = await server.addUser()
    const code = await newCode(server, client, id)
    const ofCode = await server.requireTokens(exchangeOf(client, code))
    const ofPassword = await server.signIn(client, username)
    written.length = 0
    for (const tokens of [ofCode, ofPassword]) {
      const end = decodeJwt(tokens.refresh_token ?? '').exp ?? 0
      for (const seconds of [1, HOUR, 20 * 24 * HOUR]) {
        server.clock.time += seconds
        const next = await server.refresh(client, tokens.refresh_token)
        expect(next.refresh_token).toBe(tokens.refresh_token)
        expect(decodeJwt(next.access_token)).toMatchObject({ sid: sidOf(tokens), iat: server.clock.time })
      }
      server.clock.time = end - 60
      const { expires_in } = await server.refresh(client, tokens.refresh_token)
      expect([expires_in, await isActive(server, client, tokens.refresh_token)]).toEqual([60, true])
      server.clock.time = end
      await expectRefused(await send(server, client, tokens.refresh_token))
      server.clock.time = end - MONTH
    }
    expect(written).toEqual([])
  })

  it('session_lifetime ends the session, also after it was shortened', async () => {
    const { server, client, tokens } = await signedIn('fixed')
    const shorter = new TestServer({ clock: server.clock, config: { session_lifetime: 2 * HOUR } })
    server.clock.time += HOUR
    const { expires_in } = await shorter.refresh(client, tokens.refresh_token)
    expect(expires_in).toBe(HOUR)
    server.clock.time += HOUR
    await expectRefused(await send(shorter, client, tokens.refresh_token))
    await server.refresh(client, tokens.refresh_token)
  })

  it('a session without a row that its client or an operator ended is listed, and its tokens are refused', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { client, tokens, user } = await signedIn('fixed', server)
    const other = await server.signIn(client, user.username)
    server.clock.time += 2 * HOUR
    await operator.signInAgain()
    const [first, second] = [
      await server.refresh(client, tokens.refresh_token),
      await server.refresh(client, other.refresh_token),
    ]
    const body = { ...credentials(client), token: tokens.refresh_token }
    expect((await server.postJson(body, {}, '/oauth2-token/revoke')).status).toBe(200)
    expect((await operator.delete(`/sessions/${sidOf(other)}`)).status).toBe(204)
    const listed = (await readFeed(server)).revocations.map(({ sid }) => sid)
    expect(listed).toEqual(expect.arrayContaining([sidOf(tokens), sidOf(other)]))
    for (const { access_token, refresh_token } of [first, second]) {
      await expectRefused(await send(server, client, refresh_token))
      expect(await isActive(server, client, access_token)).toBe(false)
    }
  })

  it('a client that leaves the policy loses its access tokens, and its sessions continue', async () => {
    const { server, client, tokens } = await signedIn('fixed')
    const operator = await TestOperator.signIn(server)
    const edit = { refresh: 'rotate' }
    const path = `/clients/${client.id}`
    const response = await operator.patch(path, edit, '"1"')
    expect([response.status, response.body.refresh]).toEqual([200, 'rotate'])
    expect(await isActive(server, client, tokens.access_token)).toBe(false)
    server.clock.time += 8
    expect(seqOf(await server.refresh(client, tokens.refresh_token))).toBe(1)
  })
})

for (const policy of ['until_used', 'fixed'] as const) {
  describeStores(`a client with the refresh policy ${policy}`, () => {
    it('40 parallel uses at two isolates get one refresh token, and each access token is live', async () => {
      const { server, client, tokens } = await signedIn(policy)
      const other = server.anotherIsolate()
      const uses = Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? server : other).refresh(client, tokens.refresh_token),
      )
      const responses = await Promise.all(uses)
      expect(new Set(responses.map(seqOf))).toEqual(new Set([policy === 'fixed' ? 0 : 1]))
      expect(await isActive(server, client, responses.at(-1)?.access_token)).toBe(true)
      const sid = sidOf(tokens)
      expect(await readSession(sid, 'seq')).toEqual(policy === 'fixed' ? [] : [{ seq: 1 }])
    })

    it('another client cannot use or see the token, and a revocation of the user ends it at once', async () => {
      const { server, client, tokens, user } = await signedIn(policy)
      const stranger = await server.addClient({ refreshPolicy: policy })
      await expectRefused(await send(server, stranger, tokens.refresh_token))
      expect(await isActive(server, stranger, tokens.refresh_token)).toBe(false)
      const next = await server.refresh(client, tokens.refresh_token)
      await server.services.signOut.endUser(user.id, { reason: 'signed out everywhere' }, server.context())
      for (const token of [tokens.refresh_token, next.refresh_token]) {
        expect(await isActive(server, client, token)).toBe(false)
        await expectRefused(await send(server, client, token))
      }
    })

    it('a session that ends during a use gets no tokens that the revocation feed misses', async () => {
      const held = Promise.withResolvers<void>()
      const reached = Promise.withResolvers<void>()
      let isHeld = false
      const around: AroundCall = async (sql, call) => {
        const result = await call()
        if (isHeld && sql.includes('FROM sessions')) {
          isHeld = false
          reached.resolve()
          await held.promise
        }
        return result
      }
      const slow = new TestServer({ env: { DB: aroundD1(around), SESSION_OBJECTS: aroundObjects(around) } })
      const { client, tokens } = await signedIn(policy, slow)
      const server = new TestServer({ clock: slow.clock })
      // The session has a row, and its next use comes long after its last refresh.
      await server.refresh(client, tokens.refresh_token)
      server.clock.time += 5 * HOUR
      isHeld = true
      const use = send(slow, client, tokens.refresh_token)
      await reached.promise
      const body = { ...credentials(client), token: tokens.refresh_token }
      await server.postJson(body, {}, '/oauth2-token/revoke')
      held.resolve()
      const response = await use
      const listed = (await readFeed(server)).revocations.map(({ sid }) => sid)
      if (response.status === 200) expect(listed).toContain(sidOf(tokens))
      else await expectRefused(response)
    })

    it('a session of a public client that began without a key rotates, and the server detects a thief who bound its first token', async () => {
      const server = new TestServer()
      const client = await server.addClient({ confidential: false })
      const tokens = await server.signIn(client, 'guest', 'guest')
      await env.DB.prepare('UPDATE clients SET refresh = ?, refresh_retry_window = 3600 WHERE client_id = ?')
        .bind(policy, client.id)
        .run()
      const later = server.anotherIsolate()
      const [owner, thief] = [await DpopKey.create(), await DpopKey.create()]
      const use = async (key: DpopKey, token?: string) => {
        const proof = { DPoP: await key.prove(server) }
        return later.postJson(
          { grant_type: 'refresh_token', client_id: client.id, refresh_token: token },
          proof,
        )
      }
      const own = await (await use(owner, tokens.refresh_token)).json<TokenResponse>()
      const stolen = await (await use(thief, tokens.refresh_token)).json<TokenResponse>()
      expect([seqOf(own), seqOf(stolen)]).toEqual([1, 1])
      const claims = { cnf: { jkt: thief.thumbprint }, bound_later: true }
      expect(decodeJwt(stolen.refresh_token ?? '')).toMatchObject(claims)
      const next = await (await use(owner, own.refresh_token)).json<TokenResponse>()
      expect(decodeJwt(next.refresh_token ?? '')).toMatchObject({ seq: 2, bound_later: true })
      server.clock.time += 3600
      await expectRefused(await use(thief, stolen.refresh_token))
      await expectRefused(await use(owner, next.refresh_token))
    })

    it('a session of a public client that began with a key has the policy', async () => {
      const server = new TestServer()
      const client = await server.addClient({ refreshPolicy: policy, confidential: false })
      const key = await DpopKey.create()
      const post = async (body: object) => {
        const proof = { DPoP: await key.prove(server) }
        const response = await server.postJson({ client_id: client.id, ...body }, proof)
        expect(response.status).toBe(200)
        return response.json<TokenResponse>()
      }
      const first = await post({ grant_type: 'password', username: 'guest', password: 'guest' })
      const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
      await post(refresh)
      server.clock.time += HOUR
      expect(seqOf(await post(refresh))).toBe(policy === 'fixed' ? 0 : 1)
    })

    it('a public client cannot have the policy without DPoP', async () => {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      const draft = {
        client_id: `app-${crypto.randomUUID()}`,
        api: 'storefront',
        grants: ['password'],
        confidential: false,
      }
      const { status, body } = await operator.post('/clients', { ...draft, refresh: policy })
      const problem = {
        path: 'refresh',
        message: 'must be rotate, because the client is public and does not require DPoP (RFC 9700 §2.2.2)',
      }
      expect([status, body.errors]).toEqual([422, [problem]])
      const bound = { ...draft, refresh: policy, dpop_bound_access_tokens: true }
      expect((await operator.post('/clients', bound)).status).toBe(201)
    })

    it('a record that gives the policy to a public client has no effect: its tokens rotate', async () => {
      const server = new TestServer()
      const client = await server.addClient({ refreshPolicy: policy, confidential: false })
      const tokens = await server.signIn(client, 'guest', 'guest')
      const next = await server.refresh(client, tokens.refresh_token)
      expect(seqOf(next)).toBe(1)
      server.clock.time += 60
      await expectRefused(await send(server, client, tokens.refresh_token))
      await expectRefused(await send(server, client, next.refresh_token))
    })
  })
}

describeStores('the retry window of a client', () => {
  it.each([0, 60, 3600])(
    'a retry within %i s gets the successor, and a later one is theft',
    async (seconds) => {
      const server = new TestServer({ config: { refresh_retry_window: 30 } })
      const client = await server.addClient({ refreshRetryWindowSeconds: seconds })
      const tokens = await server.signIn(client, 'guest', 'guest')
      await server.refresh(client, tokens.refresh_token)
      server.clock.time += Math.max(0, seconds - 1)
      if (seconds > 0) expect(seqOf(await server.refresh(client, tokens.refresh_token))).toBe(1)
      server.clock.time += seconds > 0 ? 1 : 0
      await expectRefused(await send(server, client, tokens.refresh_token))
    },
  )
})
