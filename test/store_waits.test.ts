/// <reference types="vite/types/importMeta.d.ts" />
import { beforeEach, describe, expect, it } from 'vitest'
import performance from '../docs/performance.md?raw'
import { authorize, authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, newCode } from './support/authorize.ts'
import { FarStores, type Latencies, ONE_EACH } from './support/far_stores.ts'
import { PassingTime } from './support/passing_time.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const COLD: Latencies = { primary: 200, replica: 40, kv: 50 }
const WARM: Latencies = { primary: 200, replica: 40, kv: 10 }

type Body = Record<string, unknown>

/** A client with every grant of the operations. */
const CLIENT = {
  ...CODE_CLIENT,
  grants: ['password', 'client_credentials', 'authorization_code', 'refresh_token'],
  confidential: true,
} satisfies Parameters<TestServer['addClient']>[0]

type Prepare = (server: TestServer, client: TestClient) => Promise<Request>

/** The token request with the parameters and the credentials of the client. */
function tokenRequest(
  parametersOf: (server: TestServer, client: TestClient) => Body | Promise<Body>,
): Prepare {
  return async (server, client) => {
    const headers = { 'Content-Type': 'application/json' }
    const body = JSON.stringify({ ...(await parametersOf(server, client)), ...credentials(client) })
    return new Request(`${ISSUER}/oauth2-token`, { method: 'POST', headers, body })
  }
}

const exchangeOfUser = async (server: TestServer, client: TestClient) =>
  exchangeOf(client, await newCode(server, client, (await server.addUser()).id, { scope: ['openid'] }))

/** The operations of the table, with a function that creates each request. */
const OPERATIONS: readonly [string, Prepare][] = [
  ['guest token', tokenRequest(() => ({ grant_type: 'password', username: 'guest', password: 'guest' }))],
  ['machine token', tokenRequest(() => ({ grant_type: 'client_credentials' }))],
  [
    'password sign-in',
    tokenRequest(async (server) => {
      const { username } = await server.addUser()
      return { grant_type: 'password', username, password: PASSWORD }
    }),
  ],
  [
    'refresh',
    tokenRequest(async (server, client) => {
      const { refresh_token } = await server.signIn(client, 'guest', 'guest')
      return { grant_type: 'refresh_token', refresh_token }
    }),
  ],
  ['code exchange with an ID token', tokenRequest(exchangeOfUser)],
  [
    'userinfo',
    async (server, client) => {
      const { access_token } = await server.requireTokens(await exchangeOfUser(server, client))
      return new Request(`${ISSUER}/oauth2-token/userinfo`, {
        headers: { Authorization: `Bearer ${access_token}` },
      })
    },
  ],
  [
    'authorization of a signed-in user',
    async (server, client) => {
      const browser = browserOf(server)
      await authorize(server, client, { username: (await server.addUser()).username, browser })
      const name = '__Host-sallyport-customers'
      const headers = { Cookie: `${name}=${browser.cookie(name)}` }
      return new Request(authorizeUrl(client, { scope: 'openid cart' }), { headers })
    },
  ],
]

/** The store waits of the first and the second request of an isolate. */
async function measure(
  prepare: Prepare,
  [cold, warm]: readonly [Latencies, Latencies],
): Promise<[number, number]> {
  const near = new TestServer()
  const client = await near.addClient(CLIENT)
  const calls = [
    { latencies: cold, request: await prepare(near, client) },
    { latencies: warm, request: await prepare(near, client) },
  ]
  // Makes the keys of access tokens and of ID tokens.
  await near.signIn(client, 'guest', 'guest')
  await near.services.keys.currentOf(client.record.idTokenAlgorithm, near.context())
  const stores = new FarStores()
  const isolate = new TestServer({ clock: near.clock, env: stores.env })
  const time = new PassingTime(stores)
  const waited: number[] = []
  for (const { latencies, request } of calls) {
    stores.latencies = latencies
    const before = time.elapsedMs
    const response = await time.during(isolate.answer(request))
    expect([200, 303]).toContain(response.status)
    waited.push(time.elapsedMs - before)
    await time.during(isolate.settle())
  }
  return [waited[0] ?? Number.NaN, waited[1] ?? Number.NaN]
}

describe('the sequential store waits of a request', () => {
  beforeEach(emptyStores)

  it('the waits match docs/performance.md', async ({ annotate }) => {
    const rows = [
      '| operation | waits, cold | waits, warm | ms, cold | ms, warm |',
      '| --- | ---: | ---: | ---: | ---: |',
    ]
    for (const [name, prepare] of OPERATIONS) {
      const waits = await measure(prepare, [ONE_EACH, ONE_EACH])
      const ms = await measure(prepare, [COLD, WARM])
      rows.push(`| ${[name, ...waits, ...ms].join(' | ')} |`)
    }
    const table = rows.join('\n')
    await annotate(`\n${table}`)
    const [, documented] = performance.split(/<!-- \/?waits -->/)
    expect(documented?.trim()).toBe(table)
  }, 120_000)
})
