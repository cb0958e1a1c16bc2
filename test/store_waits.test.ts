/// <reference types="vite/types/importMeta.d.ts" />
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import performance from '../docs/performance.md?raw'
import { FAR_CLIENT, FAR_OPERATIONS, type FarOperation } from './support/far_operations.ts'
import { FarStores, type Latencies, ONE_EACH } from './support/far_stores.ts'
import { PassingTime } from './support/passing_time.ts'
import { credentials, emptyStores, ISSUER, TestServer } from './support/server.ts'
import { IN_TWO_DATABASES } from './support/user_databases.ts'

const COLD: Latencies = { primary: 200, replica: 40, kv: 50 }
const WARM: Latencies = { primary: 200, replica: 40, kv: 10 }

const FAILED_SIGN_IN: FarOperation = {
  name: 'failed sign-in',
  usesSession: false,
  start: async (server, client) => {
    const { username } = await server.addUser()
    const body = JSON.stringify({
      grant_type: 'password',
      username,
      password: 'a wrong password',
      ...credentials(client),
    })
    const headers = { 'Content-Type': 'application/json' }
    return () => new Request(`${ISSUER}/oauth2-token`, { method: 'POST', headers, body })
  },
}

/** An operation, and the keys of config.yml of its server. */
interface MeasuredOperation extends FarOperation {
  config: Record<string, unknown>
}

const MEASURED: readonly MeasuredOperation[] = [
  ...[...FAR_OPERATIONS.filter(({ needsCopies }) => !needsCopies), FAILED_SIGN_IN].map((operation) => ({
    ...operation,
    config: {},
  })),
  ...[...FAR_OPERATIONS.filter(({ name }) => name === 'password sign-in'), FAILED_SIGN_IN].map(
    (operation) => ({
      ...operation,
      name: `${operation.name}, users in two further databases`,
      config: IN_TWO_DATABASES,
    }),
  ),
]

/** The store waits of the first and the second request of an isolate. */
async function measure(
  { start, config }: MeasuredOperation,
  [cold, warm]: readonly [Latencies, Latencies],
): Promise<[number, number]> {
  const near = new TestServer({ config })
  const client = await near.addClient(FAR_CLIENT)
  const nextRequest = await start(near, client)
  // Makes the keys of access tokens and of ID tokens.
  await near.signIn(client, 'guest', 'guest')
  await near.services.keys.currentOf(client.record.idTokenAlgorithm, near.context())
  const stores = new FarStores()
  const isolate = new TestServer({ config, clock: near.clock, env: stores.env })
  const time = new PassingTime(stores)
  const waited: number[] = []
  let response: Response | null = null
  for (const latencies of [cold, warm]) {
    stores.latencies = latencies
    const request = await nextRequest(response)
    const before = time.elapsedMs
    response = await time.during(isolate.answer(request))
    expect([200, 303, 400]).toContain(response.status)
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
    for (const operation of MEASURED) {
      const waits = await measure(operation, [ONE_EACH, ONE_EACH])
      const ms = await measure(operation, [COLD, WARM])
      rows.push(`| ${[operation.name, ...waits, ...ms].join(' | ')} |`)
    }
    const table = rows.join('\n')
    await annotate(`\n<!-- waits -->\n${table}\n<!-- /waits -->`)
    const [, documented] = performance.split(/<!-- \/?waits -->/)
    // A run that writes the page measures before.
    if (env.PLACES === '') expect(documented?.trim()).toBe(table)
  }, 120_000)
})
