/// <reference types="vite/types/importMeta.d.ts" />
import { beforeEach, describe, expect, it } from 'vitest'
import performance from '../docs/performance.md?raw'
import { timers } from '../src/lib/timers.ts'
import { aroundD1, isDeferredWrite } from './support/around_d1.ts'
import { aroundKv } from './support/around_kv.ts'
import { CODE_CLIENT, exchangeOf, newCode } from './support/authorize.ts'
import { PassingTime } from './support/passing_time.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from './support/server.ts'

/** The duration of one call, in milliseconds of virtual time. */
interface Latencies {
  primary: number
  replica: number
  kv: number
}

/** Every call takes 1 ms, so the elapsed time is the number of sequential calls. */
const ONE_EACH: Latencies = { primary: 1, replica: 1, kv: 1 }
const COLD: Latencies = { primary: 200, replica: 40, kv: 50 }
const WARM: Latencies = { primary: 200, replica: 40, kv: 10 }

/** The only read of a replica: the user at a successful sign-in. */
const REPLICA_READ = /json_group_array\(json_object\('kind', kind/

class FarStores {
  latencies = ONE_EACH
  #running = 0
  readonly env = {
    DB: aroundD1((sql, call) => this.#delay(REPLICA_READ.test(sql) ? 'replica' : 'primary', sql, call)),
    KV: aroundKv((name, call) => this.#delay('kv', name, call)),
  }

  get areAtWork(): boolean {
    return this.#running > 0
  }

  async #delay<T>(store: keyof Latencies, what: string, call: () => Promise<T>): Promise<T> {
    const isWaitedFor = !isDeferredWrite(what) && !what.startsWith('put ')
    if (isWaitedFor) await new Promise<void>((resolve) => timers.start(resolve, this.latencies[store]))
    this.#running++
    try {
      return await call()
    } finally {
      this.#running--
    }
  }
}

type Body = Record<string, unknown>

/** A client with every grant of the operations. */
const CLIENT = {
  ...CODE_CLIENT,
  grants: ['password', 'client_credentials', 'authorization_code', 'refresh_token'],
  confidential: true,
} satisfies Parameters<TestServer['addClient']>[0]

/** The operations of the table, with a function that creates each request. */
const OPERATIONS: readonly [string, (server: TestServer, client: TestClient) => Promise<Body>][] = [
  ['guest token', async () => ({ grant_type: 'password', username: 'guest', password: 'guest' })],
  ['machine token', async () => ({ grant_type: 'client_credentials' })],
  [
    'password sign-in',
    async (server) => {
      const { username } = await server.addUser()
      return { grant_type: 'password', username, password: PASSWORD }
    },
  ],
  [
    'refresh',
    async (server, client) => {
      const { refresh_token } = await server.signIn(client, 'guest', 'guest')
      return { grant_type: 'refresh_token', refresh_token }
    },
  ],
  [
    'code exchange',
    async (server, client) => exchangeOf(client, await newCode(server, client, (await server.addUser()).id)),
  ],
]

/** The store waits of the first and the second request of an isolate. */
async function measure(
  prepare: (server: TestServer, client: TestClient) => Promise<Body>,
  [cold, warm]: readonly [Latencies, Latencies],
): Promise<[number, number]> {
  const near = new TestServer()
  const client = await near.addClient(CLIENT)
  const bodies = [await prepare(near, client), await prepare(near, client)]
  await near.signIn(client, 'guest', 'guest')
  const stores = new FarStores()
  const isolate = new TestServer({ clock: near.clock, env: stores.env })
  const time = new PassingTime(stores)
  const waited: number[] = []
  for (const [i, latencies] of [cold, warm].entries()) {
    stores.latencies = latencies
    const before = time.elapsedMs
    const headers = { 'Content-Type': 'application/json' }
    const body = JSON.stringify({ ...bodies[i], ...credentials(client) })
    const request = new Request('https://id.shop.test/oauth2-token', { method: 'POST', headers, body })
    const response = await time.during(isolate.answer(request))
    expect(response.status).toBe(200)
    waited.push(time.elapsedMs - before)
    await time.during(isolate.settle())
  }
  return [waited[0] ?? Number.NaN, waited[1] ?? Number.NaN]
}

describe('the sequential store waits of a token request', () => {
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
