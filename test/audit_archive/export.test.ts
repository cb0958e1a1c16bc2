import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ExportPage, ExportPlace } from '../../src/audit/audit_export_store.ts'
import { dayOf, SLOT_SECONDS, slotOf } from '../../src/audit/event_partition.ts'
import { AUDIT_BINDINGS, LAYOUTS } from '../support/audit_databases.ts'
import { deliverHistory, emptyArchive, makeHistory, select } from '../support/audit_history.ts'
import { archiveServer, useLayout } from '../support/audit_sink.ts'
import { ConsoleBrowser } from '../support/console.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores } from '../support/server.ts'

const DAY = 86_400

interface ExportBody {
  items: { id: number; subject: string | null; reason: string }[]
  next_cursor: string | null
}

/** Reads all pages of an export. */
async function exportAll(operator: TestOperator, query: string): Promise<ExportBody['items']> {
  const items: ExportBody['items'] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const given = cursor === '' ? '' : `&cursor=${cursor}`
    const { status, body } = await operator.get(`/audit/export?${query}${given}`)
    expect(status).toBe(200)
    const page = body as unknown as ExportBody
    items.push(...page.items)
    cursor = page.next_cursor
  }
  return items
}

describe.each(LAYOUTS)('the export of audit events $title', (layout) => {
  useLayout(layout)
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it('an export has each event of its time once: rows, batches and objects', async () => {
    const { server } = archiveServer()
    const events = makeHistory(server.clock.time, 10)
    await deliverHistory(server, events)
    await server.cron()
    const lock = { id: 7, at: server.clock.time - 5 * DAY, kind: 'lock', outcome: 'ok', reason: 'locked' }
    await env.DB.prepare(
      "INSERT INTO audit_events (id, at, kind, outcome, reason) VALUES (7, ?, 'lock', 'ok', 'locked')",
    )
      .bind(lock.at)
      .run()
    const operator = await TestOperator.signIn(server)
    const [from, to] = [server.clock.time - 8 * DAY, server.clock.time - 3600]
    const exported = await exportAll(operator, `from=${from}&to=${to}`)
    const expected = select([...events, lock], { from, to }, false)
    const ids = exported.map(({ id }) => id).sort((a, b) => a - b)
    expect(ids).toEqual(expected.map(({ id }) => id).sort((a, b) => a - b))
    expect(exported.find(({ id }) => id === expected[3]?.id)).toMatchObject({
      kind: expected[3]?.kind,
      reason: expected[3]?.reason,
      client_id: expected[3]?.clientId,
      subject_name: null,
      client_name: null,
      actor: null,
    })
  })

  it('an export reads large objects and many batches in parts', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const event = (i: number, at: number) => ({
      id: 2 ** 52 + i,
      at,
      kind: 'refresh',
      outcome: 'ok',
      reason: 'a long reason '.repeat(10),
      subject: `visitor:${i % 500}`,
    })
    const old = Array.from({ length: 4000 }, (_, i) => event(i, server.clock.time - 6 * DAY - i))
    const hot = Array.from({ length: 3000 }, (_, i) => event(10_000 + i, server.clock.time - i))
    await deliverHistory(server, old)
    await server.cron()
    await deliverHistory(server, hot)
    const operator = await TestOperator.signIn(server)
    const exported = await exportAll(operator, `from=0&to=${server.clock.time - 10 + 1}`)
    const ids = exported.filter(({ reason }) => reason.startsWith('a long')).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(4000 + 3000 - 10)
  })

  it('an export misses no event of other users if objects are replaced between two pages', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const at = server.clock.time - (server.clock.time % DAY) - 6 * DAY
    const events = Array.from({ length: 4000 }, (_, i) => ({
      id: 2 ** 52 + i,
      at: at + i,
      kind: 'refresh',
      outcome: 'ok',
      reason: 'a long reason '.repeat(10),
      subject: `visitor:${i % 500}`,
    }))
    await deliverHistory(server, events)
    await server.cron()
    const { auditExport, archiveErasure } = server.services
    const span = { from: 0, to: server.clock.time }
    const found = new Set<number>()
    let place: ExportPlace | null = null
    let objects = 0
    do {
      const page: ExportPage = await auditExport.read(span, place)
      for (const { id } of page.events) found.add(id)
      place = page.next
      // One erasure in the middle of the object, and one in the middle of its successor.
      if (place?.[0] !== 'objects' || place[4] === 0 || objects++ > 1) continue
      await env.DB.prepare('INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?1, ?1, 9e9)')
        .bind(`visitor:${objects}`)
        .run()
      while (await archiveErasure.eraseNext(server.clock.time));
    } while (place !== null)
    expect(objects).toBeGreaterThan(2)
    const others = events.filter(({ subject }) => subject !== 'visitor:1' && subject !== 'visitor:2')
    expect(others.filter(({ id }) => !found.has(id))).toEqual([])
  })

  it('an export misses no event of other users if batches are replaced between two pages', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const slot = slotOf(server.clock.time) - SLOT_SECONDS
    const events = Array.from({ length: 4000 }, (_, i) => ({
      id: 2 ** 52 + i,
      at: slot + (i % 600),
      kind: 'refresh',
      outcome: 'ok',
      reason: 'refreshed',
      subject: `visitor:${i % 50}`,
    }))
    await deliverHistory(server, events)
    // "~" sorts after each character of a random id.
    for (const name of AUDIT_BINDINGS) await env[name].exec("UPDATE audit_batches SET id = '~' || id")
    const { auditExport, archiveErasure } = server.services
    const span = { from: slot, to: slot + SLOT_SECONDS }
    const found = new Set<number>()
    let place: ExportPlace | null = null
    let erased = 0
    do {
      const page: ExportPage = await auditExport.read(span, place)
      for (const { id } of page.events) found.add(id)
      place = page.next
      // Each erasure rewrites all batches. The second one rewrites the batches of the first one.
      if (place?.[0] !== 'batches' || place[3] === '' || erased === 2) continue
      erased += 1
      await env.DB.prepare('INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?1, ?1 || ?2, 9e9)')
        .bind(`visitor:${erased}`, '-erased')
        .run()
      while (await archiveErasure.eraseNext(server.clock.time));
    } while (place !== null)
    expect(erased).toBe(2)
    const others = events.filter(({ subject }) => subject !== 'visitor:1' && subject !== 'visitor:2')
    expect(others.filter(({ id }) => !found.has(id))).toEqual([])
  })

  it('a list that lacks archived events has their end, and the last page of the console has a note', async () => {
    const { server } = archiveServer()
    const operator = await TestOperator.signIn(server)
    const archivedBefore = async (query: string) =>
      (await operator.get(`/audit?${query}`)).body.archived_before
    expect(await archivedBefore('')).toBeNull()
    await deliverHistory(server, makeHistory(server.clock.time, 8))
    await server.cron()
    const end = dayOf(server.clock.time) - 3 * DAY
    for (const query of ['', 'client_id=shop', 'kind=refresh', `to=${end - DAY}`, 'sort=time'])
      expect(await archivedBefore(query), query).toBe(end)
    for (const query of ['subject=visitor:1', 'kind=lock', `actor=${operator.id}`, `from=${end}`])
      expect(await archivedBefore(query), query).toBeNull()
    const browser = await ConsoleBrowser.signIn(server)
    const note = 'because they are archived'
    expect((await browser.get('/console/audit?kind=refresh')).html).toContain(note)
    expect((await browser.get('/console/audit?subject=visitor:1')).html).not.toContain(note)
  })

  it('a search without a subject that begins in archived days is refused and names the export', async () => {
    const { server } = archiveServer()
    await deliverHistory(server, makeHistory(server.clock.time, 8))
    await server.cron()
    const operator = await TestOperator.signIn(server)
    const from = server.clock.time - 6 * DAY
    const refused = await operator.get(`/audit?from=${from}&client_id=shop`)
    expect(refused.status).toBe(400)
    expect(refused.body).toMatchObject({
      errors: [{ path: 'from', message: expect.stringContaining('sallyport audit export') }],
    })
    for (const query of [
      `from=${from}&subject=visitor:1`,
      `from=${from}&kind=lock`,
      'client_id=shop',
      `from=${server.clock.time - DAY}`,
    ])
      expect((await operator.get(`/audit?${query}`)).status).toBe(200)
  })
})
