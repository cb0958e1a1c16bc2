import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../packages/verify/src/index.ts'
import {
  CHANGE_LIST_SECONDS,
  CLIENT_COPY_SECONDS,
  CLIENT_MARGIN_SECONDS,
  KEY_COPY_SECONDS,
  KV_LAG_SECONDS,
} from '../src/storage/copy_ages.ts'
import { aroundD1 } from './support/around_d1.ts'
import { FaultyStore } from './support/faults.ts'
import { signerOf } from './support/keys.ts'
import { laggingKv } from './support/lagging_kv.ts'
import { TestOperator } from './support/operator.ts'
import {
  credentials,
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
} from './support/server.ts'

/** The maximum age of a copy of a client or of the keys, in any isolate. */
const OLDEST_SECONDS = KV_LAG_SECONDS + Math.max(CLIENT_COPY_SECONDS.max, KEY_COPY_SECONDS.max)

interface Asked {
  /** Seconds since the change. */
  age: number
  status: number
  token: string
  retryAfter: string | null
}

/** One isolate for each age, with copies from just before the change, at a location where KV lags. */
async function makeIsolates(server: TestServer, client: TestClient, ages: readonly number[]) {
  const KV = laggingKv(server.clock, KV_LAG_SECONDS)
  const isolates = ages.map((age) => ({ age, isolate: new TestServer({ clock: server.clock, env: { KV } }) }))
  for (const { isolate } of isolates) await ask(isolate, client)
  return isolates
}

async function ask(server: TestServer, client: TestClient, guest = false): Promise<Omit<Asked, 'age'>> {
  const grant = guest
    ? { grant_type: 'password', username: 'guest', password: 'guest' }
    : { grant_type: 'client_credentials' }
  const response = await server.postJson({ ...grant, ...credentials(client) })
  const { access_token: token = '' } = await response.json<{ access_token?: string }>()
  return { status: response.status, token, retryAfter: response.headers.get('Retry-After') }
}

/** The response of each isolate to its first request after the change, with the seconds since the change. */
async function askInTurn(
  isolates: readonly { age: number; isolate: TestServer }[],
  server: TestServer,
  client: TestClient,
): Promise<Asked[]> {
  const start = server.clock.time
  const asked: Asked[] = []
  for (const { age, isolate } of isolates) {
    server.clock.time = start + age
    asked.push({ age, ...(await ask(isolate, client, age % 2 === 1)) })
  }
  return asked
}

/** An API that has just read the feed and the JWKS. Tells whether it accepts a token. */
async function openApi(server: TestServer): Promise<(token: string) => Promise<boolean>> {
  const isolate = server.anotherIsolate()
  const fetch = (url: string, init: RequestInit) => isolate.fetch(new URL(url).pathname, init)
  const verifier = createVerifier({ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch })
  const isTaken = (token: string) =>
    verifier.verify(token, { now: server.clock.time }).then(
      () => true,
      () => false,
    )
  const other = await server.addClient()
  expect(await isTaken((await ask(isolate, other, true)).token)).toBe(true)
  return isTaken
}

// The clocks of this file run ahead, and other files must not find copies from the future.
afterAll(emptyStores)

const everySecond = Array.from({ length: OLDEST_SECONDS + 2 }, (_, age) => age)
/** Each second in which a response can change, and each third one after them. */
const AGES = everySecond.filter(
  (age) => age < 4 * CLIENT_MARGIN_SECONDS || age % 3 === 0 || age > OLDEST_SECONDS,
)

const REVOCATIONS: readonly [string, (operator: TestOperator, client: TestClient) => Promise<unknown>][] = [
  ['is disabled', (operator, { id }) => operator.post(`/clients/${id}/disable`)],
  ['is deleted', (operator, { id }) => operator.delete(`/clients/${id}`, '"1"')],
  [
    'has a secret retired and is signed out',
    async (operator, { id }) => {
      const { body } = await operator.get(`/clients/${id}`)
      const [secret] = (body as { secrets: { secret_id: string }[] }).secrets
      await operator.post(`/clients/${id}/secrets/${secret?.secret_id}/retire`, {})
      await operator.post(`/clients/${id}/sign-out`)
    },
  ],
]

describe('a token issued from a copy of any age', () => {
  beforeEach(emptyStores)

  it.each(REVOCATIONS)(
    'an API that reads the feed refuses the token if the client %s',
    async (_, revocation) => {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      const client = await server.addClient()
      const isolates = await makeIsolates(server, client, AGES)
      await revocation(operator, client)
      const asked = await askInTurn(isolates, server, client)
      const issued = asked.filter(({ status }) => status === 200)
      expect(issued.map(({ age }) => age)).toEqual(everySecond.slice(0, CHANGE_LIST_SECONDS.max + 1))
      expect(asked.filter(({ status }) => status !== 200 && status !== 401)).toEqual([])
      const isTaken = await openApi(server)
      for (const { token } of issued) expect(await isTaken(token)).toBe(false)
    },
    120_000,
  )

  it.each([
    [
      'was signed out',
      (operator: TestOperator, { id }: TestClient) => operator.post(`/clients/${id}/sign-out`),
    ],
    [
      'lost a scope',
      (operator: TestOperator, { id }: TestClient) =>
        operator.patch(`/clients/${id}`, { scopes: ['cart'] }, '"1"'),
    ],
    [
      'lost a grant',
      (operator: TestOperator, { id }: TestClient) =>
        operator.patch(`/clients/${id}`, { grants: ['client_credentials'] }, '"1"'),
    ],
  ])(
    'the token is refused if the client %s, and every token after the margin is valid',
    async (what, revocation) => {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      const client = await server.addClient()
      const isolates = await makeIsolates(server, client, AGES)
      expect((await revocation(operator, client)).status).toBe(200)
      const asked = await askInTurn(isolates, server, client)
      const isTaken = await openApi(server)
      for (const { age, status, token, retryAfter } of asked) {
        const isStale = age <= CHANGE_LIST_SECONDS.max
        const isWithinMargin = age < 1 + CLIENT_MARGIN_SECONDS
        const isRefused = what === 'lost a grant' && age % 2 === 1
        const afterwards = isRefused ? 400 : isWithinMargin ? 503 : 200
        expect([age, status]).toEqual([age, isStale ? 200 : afterwards])
        if (status === 503) expect(retryAfter).toBe(String(1 + CLIENT_MARGIN_SECONDS - age))
        if (status === 200) expect([age, await isTaken(token)]).toEqual([age, !isWithinMargin])
      }
    },
    120_000,
  )

  it('no refresh issues a token within the margin if the client lost a scope', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const { username } = await server.addUser()
    const ages = everySecond.slice(0, 2 * CLIENT_MARGIN_SECONDS)
    const isolates = await makeIsolates(server, client, ages)
    const tokens = await Promise.all(ages.map(() => server.signIn(client, username)))
    await operator.patch(`/clients/${client.id}`, { scopes: ['cart'] }, '"1"')
    const isTaken = await openApi(server)
    const start = server.clock.time
    for (const { age, isolate } of isolates) {
      server.clock.time = start + age
      const body = { grant_type: 'refresh_token', refresh_token: tokens[age]?.refresh_token }
      const response = await isolate.postJson({ ...body, ...credentials(client) })
      const { access_token = '' } = await response.json<{ access_token?: string }>()
      expect([age, response.status, await isTaken(access_token)]).toEqual(
        age <= CLIENT_MARGIN_SECONDS ? [age, 503, false] : [age, 200, true],
      )
    }
  }, 60_000)

  it('the token is refused if its signing key was compromised', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const first = await signerOf(server, client)
    const isolates = await makeIsolates(server, client, AGES)
    await server.services.keyLife.revokeCompromised(first, server.context())
    await server.settle()
    const asked = await askInTurn(isolates, server, client)
    const isTaken = await openApi(server)
    for (const { age, status, token } of asked) {
      expect([age, status, await isTaken(token)]).toEqual([age, 200, age > CHANGE_LIST_SECONDS.max])
    }
  }, 120_000)
})

describe('a client', () => {
  beforeEach(emptyStores)

  it('a client that is disabled and enabled again gets no token that an API refuses', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const isolate = server.anotherIsolate()
    await ask(isolate, client)
    await operator.post(`/clients/${client.id}/disable`)
    server.clock.time += 6
    expect((await ask(isolate, client)).status).toBe(401)
    await operator.post(`/clients/${client.id}/enable`)
    expect(await ask(isolate.anotherIsolate(), client)).toMatchObject({ status: 503, retryAfter: '2' })
    server.clock.time += 2
    const { status, token } = await ask(isolate.anotherIsolate(), client)
    const isTaken = await openApi(server)
    expect([status, decodeJwt(token).iat, await isTaken(token)]).toEqual([200, server.clock.time, true])
  })

  it('every isolate knows a change by SQL within seconds', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const isolate = server.anotherIsolate()
    await ask(isolate, client)
    await env.DB.prepare("UPDATE clients SET scopes = '[]' WHERE client_id = ?").bind(client.id).run()
    server.clock.time += CHANGE_LIST_SECONDS.max + 1
    const { token } = await ask(isolate, client)
    expect(decodeJwt(token).scope).toBeUndefined()
  })

  it('a client that is disabled just before D1 fails is served from copies within their ages, and can be signed out afterwards', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const d1 = new FaultyStore()
    const far = { DB: aroundD1(d1.around), KV: laggingKv(server.clock, KV_LAG_SECONDS) }
    const isolate = new TestServer({ clock: server.clock, env: far })
    await ask(isolate, client)
    server.clock.time += 1
    await operator.post(`/clients/${client.id}/disable`)
    d1.suffer('before it is made')
    const start = server.clock.time
    const issued: Asked[] = []
    for (const age of everySecond) {
      server.clock.time = start + age
      const asked = { age, ...(await ask(isolate, client)) }
      if (asked.status === 200) issued.push(asked)
    }
    const last = issued.at(-1)
    expect(last?.age).toBeGreaterThan(CHANGE_LIST_SECONDS.max)
    expect(last?.age).toBeLessThanOrEqual(KV_LAG_SECONDS + CLIENT_COPY_SECONDS.max)
    d1.comeBack()
    expect(await (await openApi(server))(last?.token ?? '')).toBe(true)
    await operator.post(`/clients/${client.id}/disable`)
    const isTaken = await openApi(server)
    for (const { token } of issued) expect(await isTaken(token)).toBe(false)
  })
})
