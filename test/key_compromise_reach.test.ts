import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ShownSession } from '../src/admin/session_view.ts'
import { CHANGE_LIST_SECONDS, KEY_COPY_SECONDS } from '../src/storage/copy_ages.ts'
import { publishedKids, signerOf } from './support/keys.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, TestClock, TestServer, type TokenResponse } from './support/server.ts'

/** Ages of the keys in an idle isolate: just after the limit of the list of changes, and around the limits of the keys. */
const AGES = [
  CHANGE_LIST_SECONDS.max + 1,
  KEY_COPY_SECONDS.refreshAfter - 1,
  KEY_COPY_SECONDS.refreshAfter,
  KEY_COPY_SECONDS.max - 1,
]

const sidOf = ({ access_token }: TokenResponse) => decodeJwt<{ sid: string }>(access_token).sid

/** An isolate that knows a key, and is idle after another isolate revoked the key as compromised. */
async function setUp() {
  const server = new TestServer({ clock: new TestClock() })
  const client = await server.addClient()
  const { username } = await server.addUser()
  const operator = await TestOperator.signIn(server)
  const idle = server.anotherIsolate()
  const tokens = await idle.signIn(client, username)
  const key = await signerOf(idle, client)
  const giveUp = async (ageSeconds: number) => {
    await server.services.keyLife.revokeCompromised(key, server.context())
    await server.settle()
    server.clock.time += ageSeconds
  }
  return { server, client, operator, idle, tokens, key, giveUp }
}

describe('an idle isolate that still knows a compromised key', () => {
  beforeEach(emptyStores)

  it.each(AGES)('the isolate refuses a refresh token of the key, %i s later', async (age) => {
    const { client, idle, tokens, giveUp } = await setUp()
    await giveUp(age)
    const { refresh_token } = tokens
    const response = await idle.postJson({
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token,
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'The refresh token is invalid.' },
    ])
  })

  it.each(AGES)('the admin API refuses an access token of the key, %i s later', async (age) => {
    const { operator, idle, giveUp } = await setUp()
    const there = new TestOperator(idle, operator)
    expect((await there.get('/me')).status).toBe(200)
    await giveUp(age)
    expect((await there.get('/me')).status).toBe(401)
  })

  it.each(AGES)('a token of the key is inactive in introspection, %i s later', async (age) => {
    const { client, idle, tokens, giveUp } = await setUp()
    await giveUp(age)
    const body = { ...credentials(client), token: tokens.access_token }
    const response = await idle.postJson(body, {}, '/oauth2-token/introspect')
    expect([response.status, await response.json()]).toEqual([200, { active: false }])
  })

  it.each(AGES)('the JWKS does not have the key, %i s later', async (age) => {
    const { idle, key, giveUp } = await setUp()
    await giveUp(age)
    expect(await publishedKids(idle)).not.toContain(key)
  })

  it.each(AGES)('the key does not sign the revocation feed, %i s later', async (age) => {
    const { idle, key, giveUp } = await setUp()
    await giveUp(age)
    const token = await (await idle.fetch('/revocations')).text()
    expect(JSON.parse(atob(token.split('.')[0] ?? ''))).not.toMatchObject({ kid: key })
  })
})

describe('the sessions of a compromised key', () => {
  beforeEach(emptyStores)

  it('the revocation of a compromised key ends the sessions whose refresh tokens it signed, and names the operator', async () => {
    const server = new TestServer({ clock: new TestClock() })
    const client = await server.addClient()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    const never = sidOf(await server.signIn(client, user.username))
    const { refresh_token } = await server.refresh(client, tokens.refresh_token)
    const ended = sidOf(await server.signIn(client, user.username))
    const first = await TestOperator.signIn(server)
    server.clock.time += 10
    await first.delete(`/sessions/${ended}`)
    server.clock.time += 10
    const at = server.clock.time
    const by = { subject: first.id, clientId: 'console' }
    await server.services.keyLife.revokeCompromised(await signerOf(server, client), server.context(), by)
    await server.settle()
    server.clock.time += 10
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
    const later = sidOf(await server.signIn(client, user.username))
    const operator = await TestOperator.signIn(server)

    const sessions = (await operator.get(`/sessions?subject=${user.id}`)).body.items as ShownSession[]
    const ends = sessions.map(({ sid, state, ended_at, end_reason }) => [sid, [state, ended_at, end_reason]])
    expect(Object.fromEntries(ends)).toEqual({
      [sidOf(tokens)]: ['cut_off', at, 'its signing key was revoked'],
      [never]: ['cut_off', at, 'its signing key was revoked'],
      [ended]: ['ended', at - 10, 'ended by an operator'],
      [later]: ['live', null, null],
    })
    expect((await operator.get(`/users/${user.id}/support`)).body).toMatchObject({ live_sessions: 1 })
    expect((await operator.get(`/sessions?subject=${user.id}&live=true`)).body).toMatchObject({
      items: [{ sid: later }],
    })
    expect((await operator.get(`/sessions/${sidOf(tokens)}/timeline`)).body).toMatchObject({
      ending: `The session ended because its refresh tokens are refused: their signing key was revoked, by the operator ${first.username}.`,
      events: [
        { kind: 'issue' },
        { kind: 'refresh' },
        { kind: 'key', reason: expect.stringMatching(/^revoked the compromised key /), actor: first.id },
      ],
    })
  })
})
