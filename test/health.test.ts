import { describe, expect, it } from 'vitest'
import { D1_DOWN, KV_DOWN } from './support/faults.ts'
import { TestServer } from './support/server.ts'

describe('health', () => {
  it('is live while every store is down', async () => {
    const server = new TestServer({ env: { DB: D1_DOWN, KV: KV_DOWN } })
    const response = await server.fetch('/health')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  })

  it('is ready where the stores answer and there is a key', async () => {
    const response = await new TestServer().fetch('/health/ready')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }])
  })

  it('is not ready where a shard of the sessions is away', async () => {
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
  ])('names what fails, and not why: %s', async (_case, env, failing) => {
    await new TestServer().fetch('/health/ready')
    const response = await new TestServer({ env }).fetch('/health/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'unavailable', failing })
  })
})
