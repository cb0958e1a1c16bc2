import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { afterAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createVerifier } from '../packages/verify/src/index.ts'
import type { User } from '../src/users/user.ts'
import { aroundD1, isDeferredWrite } from './support/around_d1.ts'
import { auditOf } from './support/audit.ts'
import { describePlaces } from './support/customer_places.ts'
import { LaggingD1 } from './support/lagging_d1.ts'
import { TestOperator } from './support/operator.ts'
import {
  credentials,
  DEFAULT_COST,
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
  type TokenResponse,
} from './support/server.ts'
import { IN_STRICT_OBJECTS } from './support/session_objects.ts'
import { IN_ONE_DATABASE } from './support/user_databases.ts'

/** D1 states no maximum age. The rule does not depend on the age, so the test covers more than the longest margin. */
const everySecond = Array.from({ length: 31 }, (_, age) => age)
const REASON = 'its sign-in used an outdated record of the user'
const INVALID_REFRESH = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }
const NEW_PASSWORD = 'another password'

/** Where the customers are, and the ages of the replica. */
const PLACES = [
  { name: 'the main database', config: {}, binding: 'DB', primary: env.DB, ages: everySecond },
  {
    name: 'a further database',
    config: { ...IN_ONE_DATABASE, ...IN_STRICT_OBJECTS },
    binding: 'USERS_1',
    primary: env.USERS_1,
    ages: [0, 2, 3, 30],
  },
]
type Place = (typeof PLACES)[number]

/** A server, the same server near a lagging replica of the database of customers, and a user who can sign in. */
async function sceneAt({ binding, primary }: Pick<Place, 'binding' | 'primary'>) {
  const server = new TestServer()
  const operator = await TestOperator.confirmed(server)
  const client = await server.addClient()
  const user = await server.addUser({ roles: ['vip', 'wholesale'] })
  const replica = new LaggingD1(primary)
  await replica.catchUp()
  const near = new TestServer({ clock: server.clock, env: { [binding]: replica.db } })
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: STOREFRONT_AUDIENCE,
    revocations: { pollSeconds: 0 },
    fetch: (url, init) => server.anotherIsolate().fetch(new URL(url).pathname, init),
  })
  /** Whether an API accepts an access token after it has read the feed. */
  const verify = (token: string) => verifier.verify(token, { now: server.clock.time })
  return { server, near, operator, client, user, replica, verify }
}

async function patch(operator: TestOperator, path: string, body: unknown): Promise<void> {
  const { headers } = await operator.get(path)
  expect((await operator.patch(path, body, headers.get('ETag'))).status).toBe(200)
}

async function tryRefresh(server: TestServer, client: TestClient, { refresh_token }: TokenResponse) {
  const response = await server.postJson({
    grant_type: 'refresh_token',
    ...credentials(client),
    refresh_token,
  })
  return [response.status, await response.json()]
}

type Change = (operator: TestOperator, user: User) => Promise<unknown>

const CHANGES: readonly [string, Change][] = [
  [
    'the password was changed',
    (operator, { id }) => operator.post(`/users/${id}/password`, { password: NEW_PASSWORD }),
  ],
  ['the user was disabled', (operator, { id }) => operator.post(`/users/${id}/disable`)],
  ['the user was signed out everywhere', (operator, { id }) => operator.post(`/users/${id}/sign-out`)],
  ['the user was deleted', (operator, { id }) => operator.delete(`/users/${id}`, '"1"')],
]

// The clocks of this file run ahead, and other files must not find copies from the future.
afterAll(emptyStores)
beforeEach(emptyStores)

describePlaces(PLACES, 'a sign-in that reads a replica of any age', ({ ages, ...place }) => {
  const scene = () => sceneAt(place)

  it.each(CHANGES)(
    'the session of the sign-in ends if %s meanwhile',
    async (_, change) => {
      const { server, near, operator, client, user, verify } = await scene()
      await change(operator, user)
      const start = server.clock.time
      for (const age of ages) {
        server.clock.time = start + age
        const tokens = await near.signIn(client, user.username)
        await expect(verify(tokens.access_token), `age ${age}`).rejects.toThrow('it was revoked')
        expect([age, await tryRefresh(server, client, tokens)]).toEqual([age, [400, INVALID_REFRESH]])
      }
    },
    60_000,
  )

  it('the session of the sign-in ends if a role was removed meanwhile', async () => {
    const { server, near, operator, client, user, verify } = await scene()
    await patch(operator, `/users/${user.id}`, { roles: ['wholesale'] })
    const start = server.clock.time
    for (const age of ages) {
      server.clock.time = start + age
      const tokens = await near.signIn(client, user.username)
      await expect(verify(tokens.access_token), `age ${age}`).rejects.toThrow('it was revoked')
      const [status, body] = await tryRefresh(server, client, tokens)
      // The revocation ends the access tokens of the first three seconds. Their sessions continue without the role.
      if (age < 3)
        expect(await verify((body as TokenResponse).access_token)).toMatchObject({ roles: ['wholesale'] })
      else expect([status, body]).toEqual([400, INVALID_REFRESH])
    }
  }, 60_000)

  it('the session of the sign-in ends if the account was locked meanwhile', async () => {
    const { server, near, client, user, verify } = await scene()
    const guess = { grant_type: 'password', ...credentials(client), username: user.username }
    for (let i = 0; i < 10; i++) await server.postJson({ ...guess, password: `guess ${i}` })
    const tokens = await near.signIn(client, user.username)
    await expect(verify(tokens.access_token)).rejects.toThrow('it was revoked')
    expect(await tryRefresh(server, client, tokens)).toEqual([400, INVALID_REFRESH])
  })

  it('the check ends only that session, with one audit event', async () => {
    const { server, near, operator, client, user, replica, verify } = await scene()
    await operator.post(`/users/${user.id}/sign-out`)
    server.clock.time += 4
    const other = await server.signIn(client, user.username)
    const tokens = await near.signIn(client, user.username)
    const { sid } = decodeJwt(tokens.access_token)
    expect(await auditOf({ kind: 'cut_off', reason: REASON })).toEqual([
      {
        kind: 'cut_off',
        outcome: 'ok',
        reason: REASON,
        api: 'storefront',
        client_id: client.id,
        subject: user.id,
        sid,
        address_prefix: null,
        actor: null,
        actor_client: null,
      },
    ])
    await replica.catchUp()
    for (const { access_token, refresh_token } of [other, await near.signIn(client, user.username)]) {
      expect(await verify(access_token)).toMatchObject({ subject: user.id })
      await server.refresh(client, refresh_token)
    }
  })

  it.each([
    ['nothing has changed', async () => {}],
    [
      'a role was added',
      (operator: TestOperator, { id }: User) =>
        patch(operator, `/users/${id}`, { roles: ['vip', 'wholesale', 'new'] }),
    ],
  ])('the session of the sign-in continues if %s meanwhile', async (_, change) => {
    const { server, near, operator, client, user, verify } = await scene()
    await change(operator, user)
    const tokens = await near.signIn(client, user.username)
    expect(await verify(tokens.access_token)).toMatchObject({ subject: user.id })
    await server.refresh(client, tokens.refresh_token)
    expect(await auditOf({ kind: 'cut_off' })).toEqual([])
  })

  it('the session continues if the sign-in itself replaced the password hash', async () => {
    const { server, near, client, replica, verify } = await scene()
    const { id, username } = await new TestServer({ config: DEFAULT_COST, clock: server.clock }).addUser()
    await replica.catchUp()
    const tokens = await near.signIn(client, username)
    expect(await auditOf({ kind: 'rehash', subject: id })).toHaveLength(1)
    const again = await near.signIn(client, username)
    for (const { access_token, refresh_token } of [tokens, again]) {
      expect(await verify(access_token)).toMatchObject({ subject: id })
      await server.refresh(client, refresh_token)
    }
  })

  it('the session continues with the new password, because the primary is read', async () => {
    const { server, near, operator, client, user, verify } = await scene()
    await operator.post(`/users/${user.id}/password`, { password: NEW_PASSWORD })
    server.clock.time += 3
    const tokens = await near.signIn(client, user.username, NEW_PASSWORD)
    expect(await verify(tokens.access_token)).toMatchObject({ subject: user.id })
    await server.refresh(client, tokens.refresh_token)
  })

  it('the session continues if the primary takes no write after the response', async () => {
    const { server, operator, client, user, replica, verify } = await scene()
    const lines: string[] = []
    const spy = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
    onTestFinished(() => spy.mockRestore())
    await operator.post(`/users/${user.id}/sign-out`)
    server.clock.time += 3
    const away = aroundD1(
      (sql, call) => (isDeferredWrite(sql) ? Promise.reject(new Error('away')) : call()),
      replica.db,
    )
    const near = new TestServer({ clock: server.clock, env: { [place.binding]: away } })
    const tokens = await near.signIn(client, user.username)
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ event: 'deferred_work_failed', work: 'record sign-in' }),
    )
    expect(await verify(tokens.access_token)).toMatchObject({ subject: user.id })
    await server.refresh(client, tokens.refresh_token)
  })

  it('the statement that records the sign-in compares the user, after the response', async () => {
    const { server, client, user } = await scene()
    const calls: string[] = []
    const counting = aroundD1((sql, call) => {
      if (/\busers\b/.test(sql)) calls.push(isDeferredWrite(sql) ? 'deferred' : 'awaited')
      return call()
    }, place.primary)
    await new TestServer({ clock: server.clock, env: { [place.binding]: counting } }).signIn(
      client,
      user.username,
    )
    expect(calls).toEqual(['awaited', 'deferred'])
  })
})
