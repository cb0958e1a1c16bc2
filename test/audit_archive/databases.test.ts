import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { dayOf } from '../../src/audit/event_partition.ts'
import { runCron } from '../../src/cron.ts'
import { type AroundCall, aroundD1 } from '../support/around_d1.ts'
import { type AuditLayout, countIn, NEW_1, NEW_2, selectEverywhere } from '../support/audit_databases.ts'
import {
  deliverHistory,
  emptyArchive,
  expectLists,
  findEverywhere,
  makeHistory,
} from '../support/audit_history.ts'
import { AuditSink, archiveServer, batchedEvents, countedEvents } from '../support/audit_sink.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores } from '../support/server.ts'

const DAY = 86_400

const LISTED_1 = { binding: 'AUDIT_1' }
const LISTED_2 = { binding: 'AUDIT_2' }

type Databases = AuditLayout['config']['audit_databases']

const serverWith = (audit_databases: Databases, config = {}) =>
  archiveServer({ config: { audit_archive: { partitions: 16 }, audit_databases, ...config } })

const idsOf = (events: readonly { id: number }[]) => events.map(({ id }) => id).sort()

describe('databases of audit events', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it('the events of a partition are in one of the databases for new events, and the counters are in DB', async () => {
    const { server, sink } = serverWith([NEW_1, NEW_2])
    const client = await server.addClient()
    for (let guest = 0; guest < 30; guest++) await server.signIn(client, 'guest', 'guest')
    await sink.flush(server)
    const [inDb, ...inOthers] = await countIn('audit_batches')
    expect(inDb).toBe(0)
    expect(Math.min(...inOthers)).toBeGreaterThan(0)
    const partitions = await selectEverywhere<{ partition: number }>('SELECT partition FROM audit_batches')
    expect(new Set(partitions.map(({ partition }) => partition)).size).toBe(partitions.length)
    expect(await countIn('audit_deliveries')).toEqual([1, 1, 1])
    expect(await countIn('audit_counters')).toEqual([1, 0, 0])
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 30 })
  })

  it.each<[string, Databases]>([
    ['none', undefined],
    ['another first one', [NEW_2, NEW_1]],
    ['one without new events', [LISTED_1, NEW_2]],
    ['only ones without new events', [LISTED_1, LISTED_2]],
    ['one more that is only listed', [NEW_1, LISTED_2]],
    ['one more', [NEW_1, NEW_2]],
  ])(
    'after a change of the list to %s, each event is found, archived, exported and swept',
    async (_case, after = []) => {
      const before = after.length === 0 ? undefined : [NEW_1]
      const { server } = serverWith(before)
      const events = makeHistory(server.clock.time, 8)
      await deliverHistory(server, events)
      const later = serverWith(after).server
      const more = makeHistory(server.clock.time, 8).map((event) => ({ ...event, id: event.id + 1000 }))
      await deliverHistory(later, more)
      const all = [...events, ...more]
      await expectLists(later, all, [{ subject: 'visitor:1' }, { clientId: 'shop' }])
      // A run writes up to 25 objects.
      await later.cron()
      await later.cron()
      const hotFrom = dayOf(server.clock.time) - 3 * DAY
      expect(await findEverywhere()).toEqual({
        inD1: idsOf(all.filter(({ at }) => at >= hotFrom)),
        inR2: idsOf(all.filter(({ at }) => at < hotFrom)),
      })
      await expectLists(later, all, [{ subject: 'visitor:1' }])
      const operator = await TestOperator.signIn(later)
      const exported: { id: number }[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const given: string = cursor === '' ? '' : `&cursor=${cursor}`
        const { body } = await operator.get(`/audit/export?from=0&to=${server.clock.time}${given}`)
        const page = body as unknown as { items: { id: number }[]; next_cursor: string | null }
        exported.push(...page.items)
        cursor = page.next_cursor
      }
      expect(idsOf(exported.filter(({ id }) => id >= 2 ** 52))).toEqual(
        idsOf(all.filter(({ at }) => at < server.clock.time)),
      )
      later.clock.time += 100 * DAY
      for (let run = 0; run < 4; run++) await later.cron()
      expect((await findEverywhere()).inR2).toEqual([])
      expect(await countIn('audit_archives')).toEqual([0, 0, 0])
    },
  )

  it('a database without new_events gets no new events', async () => {
    const { server, sink } = serverWith([LISTED_1, NEW_2])
    const client = await server.addClient()
    for (let guest = 0; guest < 8; guest++) await server.signIn(client, 'guest', 'guest')
    expect(sink.messages[0]?.databases).toEqual(['AUDIT_2'])
    await sink.flush(server)
    expect((await countIn('audit_batches')).map((count) => count > 0)).toEqual([false, false, true])
  })

  it('a message that is delivered again after a change of the list is stored and counted once', async () => {
    const { server, sink } = serverWith([NEW_1])
    const client = await server.addClient()
    for (let guest = 0; guest < 8; guest++) await server.signIn(client, 'guest', 'guest')
    const messages = [...sink.messages]
    const ids = messages.flatMap(({ events }) => idsOf(events)).sort()
    await AuditSink.deliver(messages, server.services)
    for (const databases of [
      [NEW_1, NEW_2],
      [NEW_2, LISTED_1],
    ])
      await AuditSink.deliver(messages, serverWith(databases).server.services)
    expect((await batchedEvents()).map(({ id }) => id).sort()).toEqual(ids)
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 8 })
  })

  it('a message with a database that the consumer does not list waits, and is stored once by one that does', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    const { server, sink } = serverWith([NEW_1])
    const client = await server.addClient()
    for (let guest = 0; guest < 8; guest++) await server.signIn(client, 'guest', 'guest')
    const messages = [...sink.messages]
    const ids = messages.flatMap(({ events }) => idsOf(events)).sort()
    for (const other of [undefined, [NEW_2]]) {
      const outcomes = await AuditSink.deliver(messages, serverWith(other).server.services)
      expect(outcomes).toEqual(messages.map(() => ({ isAcknowledged: false, delaySeconds: 3600 })))
      expect(await batchedEvents()).toEqual([])
      expect(await countedEvents()).toEqual({})
    }
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({
      event: 'audit_message_unreadable',
      databases: 'AUDIT_1',
    })
    for (const listed of [[LISTED_1], [NEW_2, NEW_1]])
      await AuditSink.deliver(messages, serverWith(listed).server.services)
    expect((await batchedEvents()).map(({ id }) => id).sort()).toEqual(ids)
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 8 })
  })

  it('an isolate that only lists a database erases a user in it', async () => {
    const { server, sink } = serverWith([NEW_1])
    const client = await server.addClient()
    await server.signIn(client, 'guest', 'guest')
    const subject = String(sink.messages[0]?.events[0]?.subject)
    await sink.flush(server)
    await env.DB.prepare(
      `INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, 'visitor:erased', 9e9)`,
    )
      .bind(subject)
      .run()
    await serverWith([LISTED_1]).server.cron()
    expect((await batchedEvents()).map((event) => event.subject)).toEqual(['visitor:erased'])
  })

  it('a database that fails does not keep the cron trigger from archiving the others', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    const { server } = serverWith([NEW_1, NEW_2])
    const events = makeHistory(server.clock.time, 8)
    await deliverHistory(server, events)
    const [, first] = await countIn('audit_batches')
    const broken = aroundD1(async (sql, call) => {
      if (sql.includes('audit_batches')) throw new Error('the connection was lost')
      return call()
    }, env.AUDIT_1)
    const failing = archiveServer({
      config: { audit_archive: { partitions: 16 }, audit_databases: [NEW_1, NEW_2] },
      env: { AUDIT_1: broken },
    }).server
    await runCron(failing.services, () => {})
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toContain('audit_not_archived')
    expect((await countIn('audit_batches'))[1]).toBe(first)
    expect((await findEverywhere()).inR2.length).toBeGreaterThan(0)
    await server.cron()
    await expectLists(server, events, [{ subject: 'visitor:1' }])
  })

  it('the sizes of these databases are in the statistics, and a missing binding is named', async () => {
    const { server } = serverWith([NEW_1, NEW_2])
    const sizes = await server.services.databaseSizes.readAndWarn()
    expect(sizes.map(({ name }) => name)).toEqual(['DB', 'AUDIT_1', 'AUDIT_2'])
    expect(() => serverWith([{ binding: 'AUDIT_9' }]).server.services).toThrow(
      'the binding AUDIT_9 is missing',
    )
  })

  it('each of these databases costs two written rows for a delivery: the list of messages and its removal', async () => {
    const rowsOf = async (databases: Databases) => {
      let rows = 0
      const around: AroundCall = async (sql, call) => {
        const result = await call()
        for (const part of [result].flat() as Partial<D1Result>[])
          if (sql.includes('audit_deliveries')) rows += part?.meta?.rows_written ?? 0
        return result
      }
      const counting = Object.fromEntries(
        (['DB', 'AUDIT_1', 'AUDIT_2'] as const).map((name) => [name, aroundD1(around, env[name])]),
      )
      const { server, sink } = archiveServer({
        config: { audit_archive: { partitions: 16 }, audit_databases: databases },
        env: counting,
      })
      const client = await server.addClient()
      await server.signIn(client, 'guest', 'guest')
      const [message] = sink.messages
      const messages = Array.from({ length: 100 }, (_, i) => ({
        ...message,
        id: `message-${i}`,
        events: [{ id: 2 ** 52 + i, at: server.clock.time, kind: 'issue', subject: `visitor:${i}` }],
      }))
      await AuditSink.deliver(messages, server.services)
      for (const { batches } of server.services.auditStores)
        await batches.sweepDeliveries(server.clock.time + 1, 1000)
      return rows
    }
    const inDb = await rowsOf([])
    await emptyStores()
    await emptyArchive()
    expect(await rowsOf([NEW_1, NEW_2])).toBe(inDb + 4)
  })
})
