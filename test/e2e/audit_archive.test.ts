import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'

// The service with the queue and the bucket of wrangler.toml, on local stores.

let service: ServiceServer

beforeAll(async () => {
  const bundle = configureBundle(await serviceBundle(), { audit_archive: { partitions: 1 } })
  service = await startService(bundle)
})

afterAll(() => service.close())

interface Batch {
  size: number
  events: string
}

/** The batches in D1, when they have at least this number of events. */
async function untilStored(count: number): Promise<Batch[]> {
  const select = service.stores.DB.prepare('SELECT size, events FROM audit_batches')
  for (let i = 0; i < 300; i++) {
    const { results } = await select.all<Batch>()
    if (results.reduce((sum, { size }) => sum + size, 0) >= count) return results
    await sleep(100)
  }
  throw new Error('the queue did not deliver the events')
}

describe('the archive of audit events on real local stores', () => {
  it('the queue of wrangler.toml delivers the events of tokens to D1', async () => {
    const sent = Array.from({ length: 30 }, async () => {
      const response = await fetch(`${service.origin}/oauth2-token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'password',
          client_id: 'storefront-demo',
          client_secret: 'storefront-demo-secret',
          username: 'guest',
          password: 'guest',
        }),
      })
      expect(response.status).toBe(200)
      await response.text()
    })
    await Promise.all(sent)
    const batches = await untilStored(30)
    const events = batches.flatMap((batch) => JSON.parse(batch.events))
    expect(events).toHaveLength(30)
    expect(new Set(events.map(({ kind, grant }) => `${kind} ${grant}`))).toEqual(new Set(['issue guest']))
    expect(new Set(events.map(({ id }) => id)).size).toBe(30)
    const rows = service.stores.DB.prepare("SELECT count(*) AS n FROM audit_events WHERE kind = 'issue'")
    expect(await rows.first('n')).toBe(0)
  })
})
