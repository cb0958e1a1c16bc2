import { beforeEach, describe, expect, it } from 'vitest'
import { CHANGE_LIST_SECONDS, KEY_COPY_SECONDS } from '../src/storage/copy_ages.ts'
import { publishedKids, signerOf } from './support/keys.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, TestClock, TestServer } from './support/server.ts'

/** Ages of the keys in an idle isolate: just after the limit of the list of changes, and around the limits of the keys. */
const AGES = [
  CHANGE_LIST_SECONDS.max + 1,
  KEY_COPY_SECONDS.refreshAfter - 1,
  KEY_COPY_SECONDS.refreshAfter,
  KEY_COPY_SECONDS.max - 1,
]

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
