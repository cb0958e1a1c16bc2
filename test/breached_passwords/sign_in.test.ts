import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { rangeOf } from '../../src/users/breaches/password_range.ts'
import { auditOf } from '../support/audit.ts'
import {
  breachRowOf,
  breachScene,
  CLAIMED,
  claimsOf,
  FRESH,
  HELD,
  NOTHING_SAID,
  RANGE_URL,
  SCOPE,
} from '../support/breaches.ts'
import { TestOperator } from '../support/operator.ts'
import { credentials, PASSWORD, TestServer } from '../support/server.ts'

const DAY = 86_400

describe('a sign-in with a breached password, with the outcome `claim`', () => {
  it('a sign-in with a breached password and the outcome `claim` gives the usual response and tokens with the claim, also at refreshes', async () => {
    const { server, client } = await breachScene()
    const user = await server.addUser({ roles: ['vip'] })
    const signedIn = await server.signIn(client, user.username)
    expect(claimsOf(signedIn)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
    const refreshed = await server.refresh(client, signedIn.refresh_token)
    expect(claimsOf(refreshed)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
  })

  it('a sign-in with a breached password and the outcome `claim` is an audit event, and sends one request for all isolates until the next check is due', async () => {
    const { ranges, server, client } = await breachScene({ recheck_days: 7 })
    const user = await server.addUser()
    await server.signIn(client, user.username)
    expect(await breachRowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 1 })
    expect(claimsOf(await server.anotherIsolate().signIn(client, user.username))).toMatchObject(CLAIMED)
    expect(ranges.asked).toHaveLength(1)
    const event = { kind: 'breached_password', outcome: 'ok', reason: 'sign-in: in a known breach' }
    const who = { api: 'storefront', client_id: client.id, subject: user.id, sid: null }
    expect(await auditOf({ subject: user.id, kind: 'breached_password' })).toEqual([
      { ...event, ...who, address_prefix: null, actor: null, actor_client: null },
    ])
    server.clock.time += 7 * DAY
    await server.signIn(client, user.username)
    expect(ranges.asked).toHaveLength(2)
  })

  it('a sign-in with a breached password and the outcome `claim` gives tokens without the claim until the password is on the list', async () => {
    const { ranges, server, client } = await breachScene({ recheck_days: 7 })
    const user = await server.addUser({ password: FRESH })
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
    expect(await breachRowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 0 })
    expect(await auditOf({ subject: user.id, kind: 'breached_password' })).toEqual([])
    ranges.add(FRESH)
    server.clock.time += 7 * DAY - 1
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
    server.clock.time += 1
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(CLAIMED)
  })

  it('a sign-in with a breached password and the outcome `claim` sends five characters of the hash, and only for a correct password', async () => {
    const { ranges, server, client } = await breachScene()
    const [user, disabled] = [await server.addUser(), await server.addUser({ enabled: false })]
    const { prefix } = await rangeOf(encodeUtf8(PASSWORD))
    for (const [username, password] of [
      [user.username, 'wrong'],
      ['nobody@example.com', PASSWORD],
      [disabled.username, PASSWORD],
    ]) {
      const attempt = { grant_type: 'password', ...credentials(client), username, password }
      expect((await server.postJson(attempt)).status).toBe(400)
    }
    await server.signIn(client, 'guest', 'guest')
    expect(ranges.asked).toEqual([])
    await server.signIn(client, user.username)
    expect(ranges.asked).toEqual([prefix])
  })

  it('a sign-in with a breached password and the outcome `claim` is checked again after the user sets another password', async () => {
    const { server, client } = await breachScene()
    const boss = await TestOperator.confirmed(server)
    const user = await server.addUser()
    await server.signIn(client, user.username)
    expect((await boss.get(`/users/${user.id}`)).body).toMatchObject({ password_breached: true })
    expect((await boss.post(`/users/${user.id}/password`, { password: FRESH })).body).toMatchObject({
      password_breached: false,
    })
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
  })

  it('a sign-in with a breached password and the outcome `claim` gives tokens without the claim after config.yml has no `breached_passwords`', async () => {
    const { server, client } = await breachScene()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    const without = new TestServer({ clock: server.clock })
    expect(claimsOf(await without.refresh(client, tokens.refresh_token))).toMatchObject(NOTHING_SAID)
    expect(claimsOf(await without.signIn(client, user.username))).toMatchObject(NOTHING_SAID)
  })
})

describe('a sign-in with a breached password, with the outcome `change`', () => {
  const change = { outcome: 'change' }

  it('a sign-in with a breached password and the outcome `change` gives tokens without scope and roles, also at refreshes', async () => {
    const { server, client } = await breachScene(change)
    const user = await server.addUser({ roles: ['vip'] })
    const signedIn = await server.signIn(client, user.username)
    expect(claimsOf(signedIn)).toEqual(HELD)
    expect(Object.keys(signedIn)).toEqual(['token_type', 'expires_in', 'access_token', 'refresh_token'])
    expect(claimsOf(await server.refresh(client, signedIn.refresh_token))).toEqual(HELD)
  })

  it('a sign-in with a breached password and the outcome `change` has no scope in its response to a requested scope, because an empty scope is not valid (RFC 6749 §3.3)', async () => {
    const { server, client } = await breachScene(change)
    const { username } = await server.addUser()
    const parameters = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
    const answer = await server.requireTokens({ ...parameters, scope: 'cart' })
    expect(Object.keys(answer)).toEqual(['token_type', 'expires_in', 'access_token', 'refresh_token'])
    expect(claimsOf(answer)).toEqual(HELD)
    const excess = await server.postJson({ ...parameters, scope: 'cart admin' })
    expect([excess.status, await excess.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_scope' }),
    ])
  })

  it('a sign-in with a breached password and the outcome `change` ends with a new password: the tokens have scope and roles again', async () => {
    const { server, client } = await breachScene(change)
    const boss = await TestOperator.confirmed(new TestServer({ clock: server.clock }))
    const user = await server.addUser({ roles: ['vip'] })
    await server.signIn(client, user.username)
    await boss.post(`/users/${user.id}/password`, { password: FRESH })
    const again = await server.signIn(client, user.username, FRESH)
    expect(claimsOf(again)).toEqual({ scope: SCOPE, roles: ['vip'], ...NOTHING_SAID })
  })

  it('a sign-in with a breached password and the outcome `change` restricts existing sessions of the user from the next refresh on', async () => {
    const { server, client } = await breachScene(change)
    const { username } = await server.addUser({ roles: ['vip'] })
    const before = await new TestServer({ clock: server.clock }).signIn(client, username)
    expect(claimsOf(before)).toEqual({ scope: SCOPE, roles: ['vip'], ...NOTHING_SAID })
    await server.signIn(client, username)
    expect(claimsOf(await server.refresh(client, before.refresh_token))).toEqual(HELD)
  })

  it('a sign-in with a breached password and the outcome `change` gives a restricted session its whole scope after config.yml has `claim` again', async () => {
    const { server, client } = await breachScene(change)
    const { username } = await server.addUser({ roles: ['vip'] })
    const restricted = await server.signIn(client, username)
    const lenient = new TestServer({
      clock: server.clock,
      config: { breached_passwords: { range_url: RANGE_URL } },
    })
    const refreshed = await lenient.refresh(client, restricted.refresh_token)
    expect(claimsOf(refreshed)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
  })

  it('a sign-in with a breached password and the outcome `change` lets an operator only change the password, and not to the same one', async () => {
    const { ranges, server } = await breachScene(change)
    const operator = await TestOperator.signIn(server)
    expect(claimsOf(operator.tokens)).toEqual(HELD)
    const refused = await operator.get('/users')
    expect([refused.status, refused.body.type]).toEqual([
      403,
      'urn:problem-type:sallyport:password-change-required',
    ])
    expect((await operator.get('/me')).body).toMatchObject({
      must_change_password: true,
      password_breached: true,
    })
    // The stored result stays during an outage.
    ranges.fault = () => new Response(null, { status: 503 })
    const same = { current_password: PASSWORD, password: PASSWORD }
    const again = await operator.post('/me/password', same)
    expect([again.status, again.body.errors]).toEqual([
      422,
      [{ path: 'password', message: 'choose a password that differs from the current one' }],
    ])
    ranges.fault = null
    const other = { current_password: PASSWORD, password: FRESH }
    const changed = await operator.post('/me/password', other)
    expect(changed.status).toBe(200)
    operator.tokens = { ...operator.tokens, ...changed.body }
    expect(claimsOf(operator.tokens)).toMatchObject({ roles: ['admin'], ...NOTHING_SAID })
    expect((await operator.get('/users')).status).toBe(200)
  })
})
