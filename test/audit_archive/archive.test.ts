import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AuditArchiveStore } from '../../src/audit/audit_archive_store.ts'
import type { AuditFilter } from '../../src/audit/audit_filter.ts'
import { AuditOverflowStore } from '../../src/audit/audit_overflow_store.ts'
import { dayOf } from '../../src/audit/event_partition.ts'
import { type AroundCall, aroundD1 } from '../support/around_d1.ts'
import { AUDIT_BINDINGS, LAYOUTS, runEverywhere, selectEverywhere } from '../support/audit_databases.ts'
import {
  deliverHistory,
  emptyArchive,
  expectLists,
  findEverywhere,
  keysInBucket,
  makeHistory,
  requireBucket,
} from '../support/audit_history.ts'
import { archiveServer, useLayout } from '../support/audit_sink.ts'
import { emptyStores, type TestServer } from '../support/server.ts'

const DAY = 86_400
const HOUR = 3600
const HOT_DAYS = 3

const idsOf = (events: readonly { id: number }[]) => events.map(({ id }) => id).sort()

/** The events that a run of the cron trigger leaves in D1, and those that it moves to R2. */
function placesOf(server: TestServer, events: ReturnType<typeof makeHistory>) {
  const hotFrom = dayOf(server.clock.time) - HOT_DAYS * DAY
  return {
    inD1: idsOf(events.filter(({ at }) => at >= hotFrom)),
    inR2: idsOf(events.filter(({ at }) => at < hotFrom)),
  }
}

function watchLog(): string[] {
  const events: string[] = []
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi
      .spyOn(console, level)
      .mockImplementation((line) => void events.push(JSON.parse(String(line)).event))
    onTestFinished(() => spy.mockRestore())
  }
  return events
}

/** A bucket whose calls fail. */
function failingBucket(method: 'put' | 'delete'): R2Bucket {
  return new Proxy(requireBucket(), {
    get(target, property) {
      if (property === method) return () => Promise.reject(new Error('R2 is down'))
      return Reflect.get(target, property).bind(target)
    },
  })
}

/** The databases of audit events, on which the calls with a text fail. */
function failingDatabases(text: string, when: 'before' | 'after') {
  const around: AroundCall = async (sql, call) => {
    if (!sql.includes(text)) return call()
    if (when === 'after') await call()
    throw new Error('the connection was lost')
  }
  return AUDIT_BINDINGS.map((name) => aroundD1(around, env[name]))
}

function archivesOf(databases: readonly D1Database[]): AuditArchiveStore[] {
  return databases.map((db) => new AuditArchiveStore(db, requireBucket()))
}

async function prepare(days = 8) {
  const { server } = archiveServer()
  const events = makeHistory(server.clock.time, days)
  await deliverHistory(server, events)
  const hotFrom = dayOf(server.clock.time) - HOT_DAYS * DAY
  const moveAll = async () => {
    for (const archive of archivesOf(AUDIT_BINDINGS.map((name) => env[name])))
      while ((await archive.moveNext(hotFrom, server.clock.time)) > 0);
  }
  return { server, events, hotFrom, moveAll }
}

describe.each(LAYOUTS)('the archive of audit events $title', (layout) => {
  useLayout(layout)
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it('the cron trigger moves the events of finished days to one object for each day and partition', async () => {
    const { server, events } = await prepare()
    await server.cron()
    expect(await findEverywhere()).toEqual(placesOf(server, events))
    const oldest = new Date(dayOf(events[0]?.at ?? 0) * 1000).toISOString().slice(0, 10)
    const keys = await keysInBucket()
    expect(keys[0]).toMatch(new RegExp(`^audit/${oldest}/[0-3]-of-4/[\\w-]{12}\\.ndjson$`))
    const text = await (await requireBucket().get(keys[0] ?? ''))?.text()
    const lines = (text ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const order = lines.map(({ subject, at, id }) => `${subject} ${at} ${id}`)
    expect(order).toEqual([...order].sort())
    await server.cron()
    expect(await keysInBucket()).toEqual(keys)
  })

  it('after a restore of D1, the cron trigger archives restored batches again, and the earlier objects stay unlisted', async () => {
    const { server, events } = await prepare()
    await server.cron()
    const earlier = await keysInBucket()
    for (const table of ['audit_archives', 'audit_batches']) await runEverywhere(`DELETE FROM ${table}`)
    await deliverHistory(server, events)
    await server.cron()
    expect(await findEverywhere()).toEqual(placesOf(server, events))
    const keys = await keysInBucket()
    expect(keys).toEqual(expect.arrayContaining(earlier))
    expect(keys).toHaveLength(2 * earlier.length)
  })

  it('with hot_hours below 24, the cron trigger moves whole hours, and lists find events in both places', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 4, hot_hours: 2 } } })
    server.clock.time = dayOf(server.clock.time) + DAY + 20 * HOUR + 600
    const events = makeHistory(server.clock.time, 2, 600)
    await deliverHistory(server, events)
    await server.cron()
    const hotFrom = dayOf(server.clock.time) + 18 * HOUR
    expect(await findEverywhere()).toEqual({
      inD1: idsOf(events.filter(({ at }) => at >= hotFrom)),
      inR2: idsOf(events.filter(({ at }) => at < hotFrom)),
    })
    await expectLists(server, events, [{ subject: 'visitor:1' }, { subject: 'machine', kind: 'issue' }])
  })

  it('a list with a subject includes the archive, in every direction and page', async () => {
    const { server, events } = await prepare(12)
    await server.cron()
    const now = server.clock.time
    const filters: AuditFilter[] = [
      { subject: 'visitor:1' },
      { subject: 'machine', kind: 'issue' },
      { subject: 'visitor:2', from: now - 9 * DAY, to: now - 2 * DAY },
      { subject: 'visitor:0', sid: 's1.0', clientId: 'shop' },
      { subject: 'nobody' },
    ]
    await expectLists(server, events, filters)
  })

  it('a list without a subject has the days in D1', async () => {
    const { server, events, hotFrom } = await prepare()
    await server.cron()
    await expectLists(
      server,
      events.filter(({ at }) => at >= hotFrom),
      [{ kind: 'issue' }, { clientId: 'shop' }, { sid: 's1.0' }],
    )
  })

  it('the number of partitions can change', async () => {
    const { server, events } = await prepare(6)
    const larger = archiveServer({ config: { audit_archive: { partitions: 16 } } }).server
    const later = makeHistory(server.clock.time, 6).map((event) => ({ ...event, id: event.id + 1000 }))
    await deliverHistory(larger, later)
    await expectLists(larger, [...events, ...later], [{ subject: 'visitor:1' }, {}])
    await larger.cron()
    await expectLists(server, [...events, ...later], [{ subject: 'visitor:1' }, { subject: 'machine' }])
  })

  it('events that arrive after their day was archived get another object', async () => {
    const { server, events } = await prepare()
    await server.cron()
    const late = makeHistory(server.clock.time, 8).map((event) => ({ ...event, id: event.id + 1000 }))
    await deliverHistory(server, late)
    await server.cron()
    expect(await findEverywhere()).toEqual(placesOf(server, [...events, ...late]))
    await expectLists(server, [...events, ...late], [{ subject: 'visitor:1' }])
  })

  it('if R2 does not respond, the events stay in D1, and the next run moves them', async () => {
    const log = watchLog()
    const { events } = await prepare()
    const { server } = archiveServer({ env: { AUDIT_ARCHIVE: failingBucket('put') } })
    await server.cron()
    expect(log).toContain('audit_not_archived')
    expect(await findEverywhere()).toEqual({ inD1: idsOf(events), inR2: [] })
    const works = archiveServer().server
    await works.cron()
    expect(await findEverywhere()).toEqual(placesOf(works, events))
  })

  it.each([
    ['the reservation of the object', 'INSERT INTO audit_archives', 'before'],
    ['the reservation of the object', 'INSERT INTO audit_archives', 'after'],
    ['the transaction that moves the events', 'SET removed_at = NULL', 'before'],
    ['the transaction that moves the events', 'SET removed_at = NULL', 'after'],
  ] as const)(
    'a run that ends at %s (%s, %s it has effect) loses no event and repeats none',
    async (_step, text, when) => {
      const { server, events, hotFrom, moveAll } = await prepare()
      const broken = archivesOf(failingDatabases(text, when))
      const moved = await Promise.allSettled(
        broken.map((archive) => archive.moveNext(hotFrom, server.clock.time)),
      )
      const failed = moved.filter(({ status }) => status === 'rejected')
      expect(failed).toHaveLength(layout.config.audit_databases?.length ?? 1)
      const { inD1, inR2 } = await findEverywhere()
      expect([...inD1, ...inR2].sort()).toEqual(idsOf(events))
      await moveAll()
      expect(await findEverywhere()).toEqual(placesOf(server, events))
      server.clock.time += 3601
      await server.sweep()
      const listed = await selectEverywhere<{ name: string }>('SELECT name FROM audit_archives')
      expect(listed.map(({ name }) => name).sort()).toEqual(await keysInBucket())
      await expectLists(server, events, [{ subject: 'visitor:1' }])
    },
  )

  it('two runs at the same time move each event once', async () => {
    const { server, events, moveAll } = await prepare()
    await Promise.all([1, 2, 3].map(moveAll))
    expect(await findEverywhere()).toEqual(placesOf(server, events))
  })

  it('the sweep removes objects after audit_retention_days, also after a failure of R2', async () => {
    const { server, events } = await prepare()
    await server.cron()
    server.clock.time += 84 * DAY
    const oldestKept = dayOf(server.clock.time - 90 * DAY)
    const broken = archiveServer({ env: { AUDIT_ARCHIVE: failingBucket('delete') } }).server
    broken.clock.time = server.clock.time
    const before = await keysInBucket()
    await broken.sweep()
    expect(await keysInBucket()).toEqual(expect.arrayContaining(before))
    await server.sweep()
    const kept = events.filter(({ at }) => at >= oldestKept)
    const { inR2 } = await findEverywhere()
    expect(inR2).toEqual(placesOf(server, kept).inR2)
    expect(inR2.length).toBeGreaterThan(0)
  })

  it('a search reads only the part of an object that can have the subject', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const at = server.clock.time - 6 * DAY
    const events = Array.from({ length: 4000 }, (_, i) => ({
      id: 2 ** 52 + i,
      at: dayOf(at) + i,
      kind: 'refresh',
      outcome: 'ok',
      reason: 'a long reason '.repeat(10),
      subject: `visitor:${String((i * 7919) % 1000).padStart(4, '0')}`,
    }))
    await deliverHistory(server, events)
    await server.cron()
    const [key = ''] = await keysInBucket()
    const size = (await requireBucket().head(key))?.size ?? 0
    expect(size).toBeGreaterThan(400_000)
    const ranges: R2Range[] = []
    const counting = new Proxy(requireBucket(), {
      get(target, property) {
        if (property !== 'get') return Reflect.get(target, property).bind(target)
        return (name: string, options: { range: R2Range }) => {
          ranges.push(options.range)
          return target.get(name, options)
        }
      },
    })
    const reading = archiveServer({ env: { AUDIT_ARCHIVE: counting } }).server
    for (const subject of ['visitor:0000', 'visitor:0500', 'visitor:0999', 'visitor:05', 'zoe', 'a'])
      await expectLists(reading, events, [{ subject }])
    const lengths = ranges.map((range) => ('length' in range ? (range.length ?? size) : size))
    expect(Math.max(...lengths)).toBeLessThan(3 * 65_536)
  })

  it('an object gets batches up to 20,000 events by their sizes', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const slot = dayOf(server.clock.time) - 6 * DAY
    const insert = env.DB.prepare(
      'INSERT INTO audit_batches (partition, slot, id, size, events) VALUES (1, ?, ?, 9000, ?)',
    )
    const event = (id: number) => ({ id, at: slot + id, kind: 'issue', outcome: 'ok', reason: 'r' })
    const rows = [3, 2, 1, 4].map((id) => insert.bind(slot, `batch-${id}`, JSON.stringify([event(id)])))
    await env.DB.batch(rows)
    const archive = new AuditArchiveStore(env.DB, requireBucket())
    expect(await archive.moveNext(server.clock.time, server.clock.time)).toBe(3)
    expect(await findEverywhere()).toEqual({ inD1: [4], inR2: [1, 2, 3] })
  })

  it('a page with a subject reads up to 200 objects, and the search for one event reads 30', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const archive = new AuditArchiveStore(env.DB, requireBucket())
    const today = dayOf(server.clock.time)
    const events = Array.from({ length: 260 }, (_, i) => ({
      id: 2 ** 52 + i,
      at: today - (1 + Math.floor(i / 10)) * DAY + i,
      kind: 'issue',
      outcome: 'ok',
      reason: 'r',
      subject: i < 5 || i > 250 ? 'visitor:1' : 'visitor:0',
    }))
    for (const event of events) await archive.write({ partition: 1, day: dayOf(event.at) }, [event], today)
    await env.DB.prepare('UPDATE audit_archives SET removed_at = NULL').run()
    let reads = 0
    const counting = new Proxy(requireBucket(), {
      get(target, property) {
        if (property === 'get') reads++
        return Reflect.get(target, property).bind(target)
      },
    })
    const reading = archiveServer({ env: { AUDIT_ARCHIVE: counting } }).server
    const page = { sort: 'time', isDescending: true, from: null, isBackwards: false, limit: 20 } as const
    const { slice } = await reading.services.auditTrail.list({ subject: 'visitor:1' }, page, null)
    expect([slice.rows.length, slice.hasMore, reads]).toEqual([5, true, 200])
    await expectLists(reading, events, [{ subject: 'visitor:1' }])
    reads = 0
    expect(await reading.services.auditTrail.findLastSignIn('visitor:1')).toBe(events[4]?.at)
    expect(reads).toBe(30)
    await env.DB.prepare('UPDATE audit_archives SET removed_at = 0 WHERE day = ?')
      .bind(today - DAY)
      .run()
    reads = 0
    expect(await reading.services.auditTrail.findLastSignIn('visitor:1')).toBeNull()
    expect(reads).toBe(30)
  })

  it('a run does not read the kept rows of audit_events again', async () => {
    await env.DB.batch(
      [2, 3, 5, 20].map((id) =>
        env.DB.prepare(
          "INSERT INTO audit_events (id, at, kind, outcome, reason) VALUES (?, 1, 'sign_up', 'ok', 'r')",
        ).bind(id),
      ),
    )
    const overflow = new AuditOverflowStore(env.DB, 1)
    const run = { after: 0 }
    expect((await overflow.moveBeyond(1, 2, run)).removed).toBe(2)
    expect(run.after).toBe(3)
    await env.DB.prepare(
      "INSERT INTO audit_events (id, at, kind, outcome, reason) VALUES (1, 1, 'sign_up', 'ok', 'r')",
    ).run()
    expect((await overflow.moveBeyond(1, 2, run)).removed).toBe(1)
    expect((await findEverywhere()).inD1).toEqual([2, 3, 5])
    expect((await overflow.moveBeyond(1, 2)).removed).toBe(1)
  })

  it('rows of audit_events above audit_max_events move to the archive, except merges and operators', async () => {
    const { server } = archiveServer({ config: { audit_max_events: 10_000 } })
    const insert = env.DB.prepare(
      `INSERT INTO audit_events (id, at, kind, outcome, reason, subject, actor, change) VALUES (?, ?, ?, 'ok', ?, ?, ?, ?)`,
    )
    const at = server.clock.time - 10 * DAY
    const row = (id: number, kind: string, actor: string | null = null) =>
      insert.bind(
        id,
        at + id,
        kind,
        `event ${id}`,
        'user:one',
        actor,
        actor === null ? null : '{"operation":"x"}',
      )
    const rows = [
      row(1, 'lock'),
      row(2, 'sign_up'),
      row(3, 'merge'),
      row(4, 'admin', 'user:op'),
      row(5, 'rehash'),
    ]
    await env.DB.batch([...rows, row(10_006, 'sign_up')])
    await server.cron()
    const { results } = await env.DB.prepare("SELECT id FROM audit_events WHERE kind <> 'key'").all<{
      id: number
    }>()
    expect(idsOf(results)).toEqual([1, 10_006, 3, 4])
    expect((await findEverywhere()).inR2).toEqual([2, 5])
    const listed = {
      id: 2,
      at: at + 2,
      kind: 'sign_up',
      outcome: 'ok',
      reason: 'event 2',
      subject: 'user:one',
    }
    await expectLists(server, [listed], [{ subject: 'user:one', kind: 'sign_up', to: at + 100 }])
  })
})
