import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import costPage from '../../docs/cost.md?raw'
import { AuditBatchStore } from '../../src/audit/audit_batch_store.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { emptyArchive } from '../support/audit_history.ts'
import { archiveServer } from '../support/audit_sink.ts'
import { emptyStores, type TestClient, type TestServer } from '../support/server.ts'

const DAY = 86_400

/** The statements of deliveries, of moves to R2 and of removals. */
const OF_EVENTS = /audit_(?:batches|deliveries|archives)/

/** A database that counts the written rows of statements about audit events. */
function countingDatabase(): { db: D1Database; counted: { rows: number } } {
  const counted = { rows: 0 }
  const db = aroundD1(async (sql, call) => {
    const result = await call()
    const statements = sql.split(';\n')
    for (const [i, part] of ([result].flat() as Partial<D1Result>[]).entries())
      if (OF_EVENTS.test(statements[i] ?? '')) counted.rows += part?.meta?.rows_written ?? 0
    return result
  })
  return { db, counted }
}

/** Signs guests in. Each request is an event of its own message. */
async function signGuestsIn(server: TestServer, client: TestClient, guests: number): Promise<void> {
  for (let i = 0; i < guests; i++) await server.signIn(client, 'guest', 'guest')
}

/** The rows that one event writes in its life: the delivery, the move to R2 and the removal. */
async function rowsForEach(events: number, partitions: number): Promise<number> {
  const { db, counted } = countingDatabase()
  const { server, sink } = archiveServer({ config: { audit_archive: { partitions } }, env: { DB: db } })
  const client = await server.addClient()
  // The first event of a minute adds the row of its counters.
  await signGuestsIn(server, client, 1)
  await sink.flush(server)
  counted.rows = 0
  await signGuestsIn(server, client, events)
  await sink.flush(server)
  // The key of the first sign-in is an event too, and a later run removes its row.
  await env.DB.prepare('DELETE FROM audit_events').run()
  server.clock.time += 5 * DAY
  await server.cron()
  server.clock.time += 90 * DAY
  await server.cron()
  for (const table of ['audit_batches', 'audit_deliveries', 'audit_archives'])
    expect(await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first('n')).toBe(0)
  return counted.rows / events
}

describe('a row of audit_batches', () => {
  beforeEach(emptyStores)

  it('a row has at most 64 KB of events, so a statement of an export is below the limit of D1', async () => {
    const events = Array.from({ length: 2000 }, (_, i) => ({
      id: 2 ** 52 + i,
      at: 6000 + (i % 600),
      kind: 'issue',
      outcome: 'ok',
      reason: 'é'.repeat(i % 90),
      subject: 'visitor:1',
    }))
    const message = { id: 'a', at: 6000, events, counts: [] }
    await new AuditBatchStore(env.DB, 1).store([message], 6000)
    const { results } = await env.DB.prepare(
      'SELECT size, events, length(CAST(events AS BLOB)) AS bytes FROM audit_batches',
    ).all<{ size: number; events: string; bytes: number }>()
    expect(results.length).toBeGreaterThan(1)
    for (const { bytes, events, size } of results) {
      expect(bytes).toBeLessThanOrEqual(64 * 1024)
      expect(JSON.parse(events)).toHaveLength(size)
    }
    const stored = results.flatMap((row): typeof events => JSON.parse(row.events))
    expect(stored.sort((a, b) => a.id - b.id)).toEqual(events)
  })
})

describe('the written rows of audit events with an archive', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  const table = [...costPage.matchAll(/^\| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$/gm)]

  it('docs/cost.md has the measured numbers', () => {
    expect(table.map(([, events, partitions]) => `${events} ${partitions}`)).toEqual([
      '1 1',
      '10 1',
      '100 1',
      '10 16',
      '100 16',
    ])
  })

  it.each(table.map(([, ...numbers]) => numbers.map(Number)))(
    'a delivery of %i events to %i partitions writes %d rows for each guest token, and a refresh two more',
    async (events = 0, partitions = 0, guest = 0, refresh = 0) => {
      const rows = await rowsForEach(events, partitions)
      // The subjects are random, so they fill more or fewer partitions.
      expect(Math.abs(rows - guest)).toBeLessThan(guest / 3)
      expect(refresh).toBeCloseTo(guest + 2, 5)
    },
  )
})
