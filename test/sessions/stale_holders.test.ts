import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../../packages/verify/src/index.ts'
import { HOLDER_KNOWLEDGE_SECONDS } from '../../src/storage/copy_ages.ts'
import { aroundD1, isDeferredWrite } from '../support/around_d1.ts'
import { D1_DOWN } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import {
  credentials,
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
} from '../support/server.ts'
import { objectOf } from '../support/session_objects.ts'
import { changePassword, disableUser } from '../support/sign_out.ts'

const { max } = HOLDER_KNOWLEDGE_SECONDS

/** One object for each market, so that all sessions of a test share its copies. */
const IN_ONE_OBJECT = { session_objects: { per_market: 1 } }
const STRICT = { session_objects: { per_market: 1, strict: true } }

interface Refreshed {
  status: number
  access: string
  refresh: string
}

async function refresh(server: TestServer, client: TestClient, token: unknown): Promise<Refreshed> {
  const body = { grant_type: 'refresh_token', refresh_token: token }
  const response = await server.postJson({ ...body, ...credentials(client) })
  const tokens = await response.json<{ access_token?: string; refresh_token?: string }>()
  const { access_token: access = '', refresh_token: next = '' } = tokens
  return { status: response.status, access, refresh: next }
}

/** A customer whose session has been refreshed once, so that the object has copies of this second. */
async function newScene(config: Record<string, unknown> = IN_ONE_OBJECT) {
  const server = new TestServer({ config })
  const client = await server.addClient()
  const user = await server.addUser({ roles: ['buyer', 'approver'] })
  const first = await server.signIn(client, user.username)
  const { refresh: token } = await refresh(server, client, first.refresh_token)
  return { server, client, user, token, start: server.clock.time }
}

/** Whether an API that has just read the feed and the keys accepts a token. */
async function isTaken(server: TestServer, token: string): Promise<boolean> {
  const isolate = server.anotherIsolate()
  const fetch = (url: string, init: RequestInit) => isolate.fetch(new URL(url).pathname, init)
  const verifier = createVerifier({ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch })
  return verifier.verify(token, { now: server.clock.time }).then(
    () => true,
    () => false,
  )
}

/** Gives the object of a session another main database. */
function giveMain(token: string, db: D1Database): Promise<void> {
  const { sid } = decodeJwt<{ sid: string }>(token)
  return runInDurableObject(objectOf(sid), (instance) => {
    Reflect.set(instance, 'env', { DB: db })
  })
}

const AGES = [0, 1, 2, 3, 4, 5, 10, 20, max - 1, max, max + 1, max + 2]

describe('a refresh in a session object', () => {
  beforeEach(emptyStores)

  it('a refresh with current copies is one call to the object and reads no database', async () => {
    const { server, client, token } = await newScene()
    const calls: string[] = []
    const DB = aroundD1((sql, call) => {
      if (!isDeferredWrite(sql)) calls.push(sql)
      return call()
    })
    await giveMain(token, DB)
    const isolate = new TestServer({ clock: server.clock, config: IN_ONE_OBJECT, env: { DB } })
    await isolate.signIn(client, 'guest', 'guest')
    calls.length = 0
    expect((await refresh(isolate, client, token)).status).toBe(200)
    expect(calls).toEqual([])
  })

  it('expires_in counts from the response, and the iat is the time of the knowledge', async () => {
    const { server, client, token, start } = await newScene()
    server.clock.time += 3
    const body = { grant_type: 'refresh_token', refresh_token: token, ...credentials(client) }
    const { access_token = '', expires_in } = await server.requireTokens(body)
    const { iat, exp } = decodeJwt(access_token)
    expect({ iat, exp, expires_in }).toEqual({ iat: start, exp: start + 3600, expires_in: 3597 })
  })

  it.each(AGES)('%s s after a user was disabled, APIs accept no token of a refresh', async (age) => {
    const { server, client, user, token, start } = await newScene()
    await disableUser(server, user.id)
    server.clock.time = start + age
    const { status, access } = await refresh(server, client, token)
    expect(status).toBe(age <= max ? 200 : 400)
    expect(await isTaken(server, access)).toBe(false)
  })

  it('a disabled user is refused at the refresh after the object has read the lists', async () => {
    const { server, client, user, token } = await newScene()
    await disableUser(server, user.id)
    server.clock.time += 6
    const next = await refresh(server, client, token)
    expect(next.status).toBe(200)
    server.clock.time += 1
    expect((await refresh(server, client, next.refresh)).status).toBe(400)
  })

  it.each(AGES)('%s s after a user lost a role, APIs accept no token with the role', async (age) => {
    const { server, client, user, token, start } = await newScene()
    const operator = await TestOperator.signIn(server)
    await operator.patch(`/users/${user.id}`, { roles: ['buyer'] }, '"1"')
    server.clock.time = start + age
    const { status, access } = await refresh(server, client, token)
    expect(status).toBe(200)
    const { roles } = decodeJwt<{ roles: string[] }>(access)
    expect([age, roles, await isTaken(server, access)]).toEqual(
      age <= max ? [age, ['buyer', 'approver'], false] : [age, ['buyer'], true],
    )
  })

  it('a copied refresh token gets no lasting session after the password was changed', async () => {
    const { server, client, user, token } = await newScene()
    await changePassword(server, user.id, user.passwordHash)
    server.clock.time += 1
    const copied = await refresh(server, client, token)
    expect([copied.status, await isTaken(server, copied.access)]).toEqual([200, false])
    server.clock.time += max + 1
    expect((await refresh(server, client, copied.refresh)).status).toBe(400)
    expect((await refresh(server, client, token)).status).toBe(400)
  })

  it('a user who signs in again after a sign-out everywhere refreshes at once', async () => {
    const { server, client, user } = await newScene()
    await changePassword(server, user.id, user.passwordHash)
    server.clock.time += 4
    const again = await server.signIn(client, user.username)
    server.clock.time += 1
    const next = await refresh(server, client, again.refresh_token)
    expect([next.status, await isTaken(server, next.access)]).toEqual([200, true])
    expect(decodeJwt(next.access).iat).toBe(server.clock.time)
  })

  it.each([
    ['was disabled', (operator: TestOperator, { id }: TestClient) => operator.post(`/clients/${id}/disable`)],
    [
      'has its secret retired',
      async (operator: TestOperator, { id }: TestClient) => {
        const { body } = await operator.get(`/clients/${id}`)
        const [secret] = (body as { secrets: { secret_id: string }[] }).secrets
        return operator.post(`/clients/${id}/secrets/${secret?.secret_id}/retire`, {})
      },
    ],
  ])(
    'a client that %s is refused after the age of the list of an isolate, not of an object',
    async (_, change) => {
      const { server, client, token } = await newScene()
      const idle = server.anotherIsolate()
      await idle.signIn(client, 'guest', 'guest')
      await change(await TestOperator.signIn(server), client)
      server.clock.time += 6
      expect((await refresh(idle, client, token)).status).toBe(401)
    },
  )

  it('a client that lost a scope gets a token that APIs accept as soon as the margin has ended', async () => {
    const { server, client, token, start } = await newScene()
    const operator = await TestOperator.signIn(server)
    await operator.patch(`/clients/${client.id}`, { scopes: ['cart'] }, '"1"')
    const statuses: number[] = []
    for (const age of [1, 7, 8]) {
      server.clock.time = start + age
      const { status, access } = await refresh(server, client, token)
      statuses.push(status)
      if (status === 200) expect(await isTaken(server, access)).toBe(true)
    }
    expect(statuses).toEqual([503, 503, 200])
  })

  it('a refresh gets 503 and uses no token while D1 is down and the copies are outdated', async () => {
    const { server, client, token } = await newScene()
    await giveMain(token, D1_DOWN)
    server.clock.time += max + 1
    expect((await refresh(server, client, token)).status).toBe(503)
    await giveMain(token, env.DB)
    server.clock.time += 120
    const next = await refresh(server, client, token)
    expect([next.status, decodeJwt(next.refresh).seq]).toEqual([200, 2])
  })

  it('a refresh works for some seconds while D1 is down', async () => {
    const { server, client, token } = await newScene()
    await giveMain(token, D1_DOWN)
    server.clock.time += max
    expect((await refresh(server, client, token)).status).toBe(200)
  })

  it('with strict, a disabled user is refused at once', async () => {
    const { server, client, user, token } = await newScene(STRICT)
    await disableUser(server, user.id)
    expect((await refresh(server, client, token)).status).toBe(400)
    const { sid } = decodeJwt<{ sid: string }>(token)
    const copies = await runInDurableObject(objectOf(sid), (_, { storage }) =>
      storage.sql.exec('SELECT id FROM users').toArray(),
    )
    expect(copies).toEqual([])
  })

  it('introspection reads the user from D1, so it knows a disabled user at once', async () => {
    const { server, client, user, token } = await newScene()
    const { access } = await refresh(server, client, token)
    await disableUser(server, user.id)
    const body = { ...credentials(client), token: access }
    const response = await server.postJson(body, {}, '/oauth2-token/introspect')
    expect(await response.json()).toEqual({ active: false })
  })
})
