import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { credentials, type TestClient, TestServer } from './support/server.ts'
import { describeStores, readSession } from './support/session_stores.ts'

const REFUSED = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }

function send(server: TestServer, client: TestClient, refreshToken?: string, more = {}): Promise<Response> {
  return server.postJson({
    grant_type: 'refresh_token',
    ...credentials(client),
    refresh_token: refreshToken,
    ...more,
  })
}

async function expectRefused(response: Response): Promise<void> {
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual(REFUSED)
}

async function signedIn(server = new TestServer()) {
  const client = await server.addClient()
  const user = await server.addUser()
  return { server, client, user, tokens: await server.signIn(client, user.username) }
}

describeStores('the refresh_token grant', () => {
  it('a refresh returns a successor with the same sid and the next seq', async () => {
    const { server, client, user, tokens } = await signedIn()
    const { sid } = decodeJwt(tokens.refresh_token ?? '')
    let last = tokens
    for (const seq of [1, 2, 3]) {
      last = await server.refresh(client, last.refresh_token)
      expect(decodeJwt(last.refresh_token ?? '')).toMatchObject({
        sub: user.id,
        sid,
        seq,
        jti: `${sid}.${seq}`,
      })
      expect(decodeJwt(last.access_token)).toMatchObject({ sub: user.id, sid, scope: 'cart orders catalog' })
    }
  })

  it('a session has no row until its first refresh, and one row after it', async () => {
    const { server, client, tokens } = await signedIn()
    const { sid = '' } = decodeJwt<{ sid: string }>(tokens.refresh_token ?? '')
    const rows = () => readSession(sid, 'seq')
    expect(await rows()).toEqual([])
    await server.refresh(client, tokens.refresh_token)
    expect(await rows()).toEqual([{ seq: 1 }])
  })

  it('50 parallel refreshes with one token, over five isolates, get the same successor, and each response is usable', async () => {
    const { client, server, tokens } = await signedIn()
    const isolates = [server, ...Array.from({ length: 4 }, () => new TestServer({ clock: server.clock }))]
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (isolates[i % 5] ?? server).refresh(client, tokens.refresh_token)),
    )
    const successors = answers.map(({ refresh_token = '' }) => decodeJwt(refresh_token))
    expect(
      new Set(successors.map(({ sid, seq, exp, jti }) => JSON.stringify([sid, seq, exp, jti]))).size,
    ).toBe(1)
    const { sid, seq } = successors[0] ?? {}
    expect(seq).toBe(1)
    expect(await readSession(String(sid), 'seq')).toEqual([{ seq: 1 }])
    const next = await Promise.all(answers.map((answer) => server.refresh(client, answer.refresh_token)))
    expect(new Set(next.map(({ refresh_token = '' }) => decodeJwt(refresh_token).seq))).toEqual(new Set([2]))
  })

  it('the successor has its full lifetime from the time of the refresh', async () => {
    const { server, client, tokens } = await signedIn()
    server.clock.time += 1000
    const next = await server.refresh(client, tokens.refresh_token)
    expect(decodeJwt(next.refresh_token ?? '').exp).toBe(server.clock.time + 2592000)
  })

  it('a token is refused in the second of its exp', async () => {
    const { server, client, tokens } = await signedIn()
    server.clock.time += 2592000
    await expectRefused(await send(server, client, tokens.refresh_token))
  })

  it('a refresh by another client is refused, and the owner can still use the token', async () => {
    const { server, client, tokens } = await signedIn()
    await expectRefused(await send(server, await server.addClient(), tokens.refresh_token))
    await server.refresh(client, tokens.refresh_token)
  })

  it('an access token, a changed token and a token of another key are refused', async () => {
    const { server, client, tokens } = await signedIn()
    const [header, payload, signature] = (tokens.refresh_token ?? '').split('.')
    await expectRefused(await send(server, client, tokens.access_token))
    await expectRefused(await send(server, client, `${header}.${payload}x.${signature}`))
    await expectRefused(await send(server, client, `${header}.${payload}.`))
    const forged = btoa('{"alg":"none"}').replace(/=+$/, '')
    await expectRefused(await send(server, client, `${forged}.${payload}.`))
  })

  it('a refresh reads the user: a disabled or deleted user is refused, and new roles are in the token', async () => {
    const { server, client, user, tokens } = await signedIn()
    const set = (sql: string) => env.DB.prepare(`${sql} WHERE id = ?`).bind(user.id).run()
    await set('UPDATE users SET enabled = 0')
    await expectRefused(await send(server, client, tokens.refresh_token))
    await set(`UPDATE users SET enabled = 1, roles = '["wholesale"]'`)
    const next = await server.refresh(client, tokens.refresh_token)
    expect(decodeJwt(next.access_token).roles).toEqual(['wholesale'])
    await set('DELETE FROM users')
    await expectRefused(await send(server, client, next.refresh_token))
  })

  it('a refresh can narrow the scope of one access token, never that of the session, and never widens it', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
    const tokens = await server.requireTokens({
      ...parameters,
      password: 'correct horse battery staple',
      scope: 'cart orders',
    })
    const wider = await send(server, client, tokens.refresh_token, { scope: 'cart orders catalog' })
    expect(wider.status).toBe(400)
    expect(await wider.json()).toMatchObject({ error: 'invalid_scope' })
    const narrow = await send(server, client, tokens.refresh_token, { scope: 'cart' })
    const { access_token, refresh_token } = await narrow.json<{
      access_token: string
      refresh_token: string
    }>()
    expect(decodeJwt(access_token).scope).toBe('cart')
    const whole = await server.refresh(client, refresh_token)
    expect(decodeJwt(whole.access_token).scope).toBe('cart orders')
  })

  it('a refused refresh consumes nothing', async () => {
    const { server, client, tokens } = await signedIn()
    await send(server, client, tokens.refresh_token, { scope: 'unknown' })
    await send(server, { ...client, secret: 'wrong' }, tokens.refresh_token)
    await server.refresh(client, tokens.refresh_token)
  })

  it('the grant is not offered if config.yml turns refresh tokens off', async () => {
    const { client, tokens } = await signedIn()
    const server = new TestServer({ config: { enable_refresh_token: false } })
    const response = await send(server, client, tokens.refresh_token)
    expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' })
  })
})
