import { describe, expect, it } from 'vitest'
import { version } from '../package.json'
import { aroundD1 } from './support/around_d1.ts'
import { aroundKv } from './support/around_kv.ts'
import { D1_DOWN, KV_DOWN } from './support/faults.ts'
import { TestServer } from './support/server.ts'

describe('health', () => {
  it('/health is 200 while every store is down', async () => {
    const server = new TestServer({ env: { DB: D1_DOWN, KV: KV_DOWN } })
    const response = await server.fetch('/health')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok', version }])
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  })

  it('/health/ready is 200 if the stores respond and a key exists', async () => {
    const response = await new TestServer().fetch('/health/ready')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }])
  })

  it('/health/ready is 503 if a session shard is down', async () => {
    const session_shards = [
      { name: 's1', binding: 'DB' },
      { name: 'eu', binding: 'SESSIONS_EU' },
    ]
    const env = { SESSIONS_EU: D1_DOWN }
    const response = await new TestServer({ config: { session_shards }, env }).fetch('/health/ready')
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'unavailable', failing: ['database'] },
    ])
  })

  it.each([
    ['database', { DB: D1_DOWN }, ['database']],
    ['kv', { KV: KV_DOWN }, ['kv']],
    ['both, and so the keys', { DB: D1_DOWN, KV: KV_DOWN }, ['database', 'kv', 'signing_keys']],
    ['the sealing key', { SEALING_KEY: 'B'.repeat(43) }, ['signing_keys']],
  ])('the response names what fails, without the reason: %s', async (_case, env, failing) => {
    await new TestServer().fetch('/health/ready')
    const response = await new TestServer({ env }).fetch('/health/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'unavailable', failing })
  })

  /** A server that counts its store calls. */
  function countingServer() {
    const calls: string[] = []
    const note = <T>(call: string, run: () => Promise<T>) => {
      calls.push(call)
      return run()
    }
    return { calls, server: new TestServer({ env: { DB: aroundD1(note), KV: aroundKv(note) } }) }
  }

  it('an isolate checks the stores at most once in 5 s', async () => {
    const { calls, server } = countingServer()
    await server.fetch('/health/ready')
    const once = calls.length
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.fetch('/health/ready')))
    server.clock.time += 4
    answers.push(await server.fetch('/health/ready', { method: 'HEAD' }))
    expect(answers.map(({ status }) => status)).toEqual(Array(51).fill(200))
    expect(calls.length).toBe(once)
    server.clock.time += 1
    calls.splice(0)
    await Promise.all(Array.from({ length: 50 }, () => server.fetch('/health/ready')))
    // One read of D1, one of KV, and one of the list of changed records. The signing keys are in memory.
    expect(calls).toHaveLength(3)
  })

  it('an isolate repeats a failure for 5 s, with Retry-After 5', async () => {
    const env = { DB: D1_DOWN }
    const server = new TestServer({ env })
    await new TestServer().fetch('/health/ready')
    for (const _ of [1, 2]) {
      const response = await server.fetch('/health/ready')
      expect([response.status, response.headers.get('Retry-After'), await response.json()]).toEqual([
        503,
        '5',
        { status: 'unavailable', failing: ['database'] },
      ])
    }
  })
})
