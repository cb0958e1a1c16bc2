import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { exchangeOf, newCode } from './support/authorize.ts'
import { TestOperator } from './support/operator.ts'
import { enrol } from './support/second_factor.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const TWO = 'urn:sallyport:2'
const OPTIONAL = { accounts: { customers: { second_factor: 'optional', second_factor_roles: ['vip'] } } }

/** A sign-in by the password grant: the status, the headers that differ from request to request removed, and the body. */
async function signInWith(server: TestServer, client: TestClient, username: string, password = PASSWORD) {
  const response = await server.postJson({
    grant_type: 'password',
    ...credentials(client),
    username,
    password,
  })
  return { status: response.status, headers: [...response.headers], body: await response.json() }
}

describe('the password grant with second factors', () => {
  beforeEach(emptyStores)

  it('tokens of a password have auth_time, amr and acr of level 1, also after a refresh, and guests have none', async () => {
    const server = new TestServer({ config: OPTIONAL })
    const client = await server.addClient({ isFirstParty: true })
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const level = { auth_time: server.clock.time, amr: ['pwd'], acr: 'urn:sallyport:1' }
    server.clock.time += 100
    const refreshed = await server.refresh(client, tokens.refresh_token)
    const all = [tokens.access_token, tokens.refresh_token, refreshed.access_token, refreshed.refresh_token]
    for (const token of all) expect(decodeJwt(token ?? '')).toMatchObject(level)
    const introspected = await server.postJson(
      { ...credentials(client), token: refreshed.access_token },
      {},
      '/oauth2-token/introspect',
    )
    expect(await introspected.json()).toMatchObject({ active: true, ...level })
    const guest = await server.signIn(client, 'guest', 'guest')
    for (const name of Object.keys(level)) expect(decodeJwt(guest.access_token)).not.toHaveProperty(name)
  })

  it('a first-party client gets insufficient_authorization and no tokens, and no counter is reset', async () => {
    const server = new TestServer({ config: OPTIONAL })
    const client = await server.addClient({ isFirstParty: true })
    const { user } = await enrol(server, await server.addUser())
    await signInWith(server, client, user.username, 'wrong')
    server.clock.time += 20
    const { status, body } = await signInWith(server, client, user.username)
    expect([status, body]).toEqual([
      403,
      {
        error: 'insufficient_authorization',
        error_description: 'The user must sign in with a second factor.',
      },
    ])
    await server.settle()
    const account = await server.services.guard.accountKey({ pool: 'customers', username: user.username })
    expect(await server.services.failures.find(account, server.clock.time)).toMatchObject({ failures: 1 })
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: user.id })
    expect(event).toMatchObject({ outcome: 'refused', client_id: client.id })
    expect(await env.DB.prepare('SELECT count(*) AS n FROM sessions').first('n')).toBe(0)
    const vip = await server.addUser({ roles: ['vip'] })
    expect((await signInWith(server, client, vip.username)).status).toBe(403)
  })

  it('a third-party client cannot distinguish the right password from a wrong one, and it counts as a failure', async () => {
    const server = new TestServer({ config: OPTIONAL })
    const client = await server.addClient({ isFirstParty: false })
    const { user } = await enrol(server, await server.addUser())
    const right = await signInWith(server, client, user.username)
    const wrong = await signInWith(server, client, user.username, 'wrong')
    expect(right).toEqual(wrong)
    expect(right).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const account = await server.services.guard.accountKey({ pool: 'customers', username: user.username })
    expect(await server.services.failures.find(account, server.clock.time)).toMatchObject({ failures: 2 })
  })

  it('a locked and a disabled account with a second factor get invalid_grant', async () => {
    const server = new TestServer({ config: OPTIONAL })
    const client = await server.addClient({ isFirstParty: true })
    const { user } = await enrol(server, await server.addUser())
    await env.DB.prepare('UPDATE users SET enabled = 0 WHERE id = ?').bind(user.id).run()
    const disabled = await signInWith(server, client, user.username)
    expect(disabled).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    await env.DB.prepare('UPDATE users SET enabled = 1 WHERE id = ?').bind(user.id).run()
    for (let i = 0; i < 10; i++) await signInWith(server, client, user.username, 'wrong')
    expect(await signInWith(server, client, user.username)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
  })
})

describe('a refresh with second factors', () => {
  beforeEach(emptyStores)

  it('a session of level 1 ends if a role of its user requires a second factor, and one of level 2 continues', async () => {
    const server = new TestServer({ config: OPTIONAL })
    const client = await server.addClient({
      grants: ['password', 'authorization_code', 'refresh_token'],
      redirectUris: ['https://app.test/callback'],
      isFirstParty: true,
    })
    const user = await server.addUser()
    const one = await server.signIn(client, user.username)
    const auth = { time: server.clock.time, amr: ['pwd', 'otp', 'mfa'], acr: TWO, browser: 'b' }
    const two = await server.requireTokens(
      exchangeOf(client, await newCode(server, client, user.id, { auth })),
    )
    await enrol(server, user)
    const chosen = await server.refresh(client, one.refresh_token)
    await env.DB.prepare(`UPDATE users SET roles = '["vip"]' WHERE id = ?`).bind(user.id).run()
    const refused = await server.postJson({
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token: chosen.refresh_token,
    })
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'The refresh token is invalid.' },
    ])
    const refreshed = await server.refresh(client, two.refresh_token)
    expect(decodeJwt(refreshed.access_token)).toMatchObject({ acr: TWO, roles: ['vip'] })
    await server.settle()
    const [event] = await auditOf({ kind: 'refresh_refused', subject: user.id })
    expect(event).toMatchObject({ reason: 'the user needs a second factor' })
  })
})

describe('operators with second factors', () => {
  beforeEach(emptyStores)

  it('a token of level 1 has no rights once the role of its operator requires a second factor', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { access_token: token, refresh_token } = operator.tokens
    const strict = new TestServer({
      clock: server.clock,
      config: { accounts: { operators: { second_factor_roles: ['admin'] } } },
    })
    const headers = { Authorization: `Bearer ${token}` }
    expect((await server.fetch('/admin/api/me', { headers })).status).toBe(200)
    const refused = await strict.fetch('/admin/api/me', { headers })
    expect([refused.status, refused.headers.get('WWW-Authenticate')]).toEqual([
      401,
      `Bearer realm="sallyport-admin", error="insufficient_user_authentication", acr_values="${TWO}"`,
    ])
    const refresh = { grant_type: 'refresh_token', client_id: operator.client.id, refresh_token }
    expect((await strict.postJson(refresh)).status).toBe(400)
  })

  it('a new password keeps the authentication of the operator', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const before = decodeJwt(operator.tokens.access_token)
    server.clock.time += 100
    const body = { current_password: PASSWORD, password: `${PASSWORD}!` }
    const changed = await operator.post('/me/password', body)
    const { access_token: after } = changed.body as { access_token: string }
    const { auth_time, amr, acr } = before
    expect(decodeJwt(after)).toMatchObject({ auth_time, amr, acr })
  })
})
