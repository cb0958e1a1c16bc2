import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AuditMessage } from '../../src/audit/audit_message.ts'
import worker from '../../src/worker.ts'
import { aroundD1 } from '../support/around_d1.ts'
import {
  AUDIT_BINDINGS,
  type AuditLayout,
  emptyAuditDatabases,
  LAYOUTS,
  selectEverywhere,
} from '../support/audit_databases.ts'
import { AuditSink, archiveServer, batchedEvents, countedEvents, useLayout } from '../support/audit_sink.ts'
import { emptyStores, type TestServer } from '../support/server.ts'

const ACKNOWLEDGED = { isAcknowledged: true, delaySeconds: null }

const kindsOf = (events: readonly Record<string, unknown>[]) => events.map(({ kind }) => kind)
const rows = async () => {
  const { results } = await env.DB.prepare("SELECT kind FROM audit_events WHERE kind <> 'key'").all<{
    kind: string
  }>()
  return kindsOf(results)
}

/** The events that a test provokes in the log. */
function watchLog(): string[] {
  const events: string[] = []
  for (const level of ['warn', 'error'] as const) {
    const spy = vi
      .spyOn(console, level)
      .mockImplementation((line) => void events.push(JSON.parse(String(line)).event))
    onTestFinished(() => spy.mockRestore())
  }
  return events
}

/** A guest who signs in and refreshes. @returns the messages in the queue */
async function signInAndRefresh(server: TestServer, sink: AuditSink): Promise<AuditMessage[]> {
  const client = await server.addClient()
  const { refresh_token } = await server.signIn(client, 'guest', 'guest')
  await server.refresh(client, refresh_token)
  return [...sink.messages]
}

/** A server on which the deliveries to one database fail while `isDown`. */
function failingServer(binding: AuditBinding, when: 'before' | 'after') {
  const state = { isDown: true }
  const db = aroundD1(async (sql, call) => {
    if (!state.isDown || !sql.includes('INSERT INTO audit_deliveries')) return call()
    if (when === 'after') await call()
    throw new Error('the connection was lost')
  }, env[binding])
  return { ...archiveServer({ env: { [binding]: db } }), state }
}

/** Two guests and a machine, whose events are in all databases of the layout. */
async function signInMany(server: TestServer, sink: AuditSink): Promise<AuditMessage[]> {
  const client = await server.addClient()
  for (let guest = 0; guest < 24; guest++) await server.signIn(client, 'guest', 'guest')
  return [...sink.messages]
}

type AuditBinding = (typeof AUDIT_BINDINGS)[number]

const bindingsOf = ({ config }: AuditLayout) =>
  AUDIT_BINDINGS.slice(0, 1 + (config.audit_databases?.length ?? 0))

describe.each(LAYOUTS)('the queue of audit events $title', (layout) => {
  useLayout(layout)
  beforeEach(async () => {
    await emptyStores()
    await emptyAuditDatabases()
  })

  it('sign-ins, refreshes and retries come through the queue, and other events are rows at once', async () => {
    const { server, sink } = archiveServer()
    const client = await server.addClient()
    server.country = 'DE'
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    await server.refresh(client, refresh_token)
    await server.refresh(client, refresh_token)
    await expect(server.signIn(client, 'unknown@example.com', 'wrong')).rejects.toThrow('invalid_grant')
    expect(await rows()).toEqual(['sign_in_failure'])
    expect(await batchedEvents()).toEqual([])
    expect(await sink.flush(server)).toEqual([ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED])
    const { sid, sub } = decodeJwt<{ sid: string; sub: string }>(refresh_token ?? '')
    const events = await batchedEvents()
    expect(kindsOf(events)).toEqual(['issue', 'refresh', 'retry'])
    expect(events[0]).toEqual({
      id: expect.any(Number),
      at: server.clock.time,
      kind: 'issue',
      outcome: 'ok',
      reason: 'guest',
      api: 'storefront',
      client_id: client.id,
      subject: sub,
      sid,
      grant: 'guest',
      country: 'DE',
    })
    expect(await countedEvents()).toMatchObject({
      'tokens:guest': 1,
      'tokens:refresh_token': 2,
      sessions: 1,
      failures: 1,
    })
  })

  it('events of one delivery are one row for each partition and ten minutes', async () => {
    const { server, sink } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const client = await server.addClient()
    for (let i = 0; i < 20; i++) await server.signIn(client, 'guest', 'guest')
    await sink.flush(server)
    const slot = server.clock.time - (server.clock.time % 600)
    const found = await selectEverywhere<{ size: number }>('SELECT partition, slot, size FROM audit_batches')
    expect(found).toEqual(found.map(({ size }) => ({ partition: 1, slot, size })))
    expect(found).toHaveLength(layout.config.audit_databases?.length ?? 1)
    expect(found.reduce((sum, { size }) => sum + size, 0)).toBe(20)
  })

  it('a message that the queue delivers again, also among other messages, is stored and counted once', async () => {
    const { server, sink } = archiveServer()
    const [first, second] = await signInAndRefresh(server, sink)
    await AuditSink.deliver([first], server.services)
    server.clock.time += 3600
    const outcomes = await AuditSink.deliver([second, first, second], server.services, 2)
    expect(outcomes).toEqual([ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED])
    expect(await AuditSink.deliver([first, second], server.services, 3)).toHaveLength(2)
    expect(kindsOf(await batchedEvents())).toEqual(['issue', 'refresh'])
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 1, 'tokens:refresh_token': 1 })
  })

  it('two deliveries of a message at the same time store it once', async () => {
    const { server, sink } = archiveServer()
    const messages = await signInAndRefresh(server, sink)
    await Promise.all(Array.from({ length: 4 }, () => AuditSink.deliver(messages, server.services)))
    expect(kindsOf(await batchedEvents())).toEqual(['issue', 'refresh'])
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 1, 'tokens:refresh_token': 1 })
  })

  it.each(
    bindingsOf(layout).flatMap((binding) => [[binding, 'before'] as const, [binding, 'after'] as const]),
  )(
    'a delivery that fails in %s %s it has the events is repeated, and no event is lost or counted twice',
    async (binding, when) => {
      const log = watchLog()
      const { server, sink, state } = failingServer(binding, when)
      const messages = await signInMany(server, sink)
      // The subjects are random: of 20 events, each database gets at least one.
      const failed = await AuditSink.deliver(messages.slice(0, 20), server.services, 3)
      expect(failed).toEqual(failed.map(() => ({ isAcknowledged: false, delaySeconds: 20 })))
      expect(log).toEqual(['audit_delayed'])
      state.isDown = false
      const repeated = [messages.slice(16), messages.slice(0, 18), messages]
      for (const some of repeated)
        expect(await AuditSink.deliver(some, server.services, 4)).toEqual(some.map(() => ACKNOWLEDGED))
      const ids = messages.flatMap(({ events }) => events.map(({ id }) => id)).sort()
      expect((await batchedEvents()).map(({ id }) => id).sort()).toEqual(ids)
      expect(await countedEvents()).toMatchObject({ 'tokens:guest': 24, sessions: 24 })
    },
  )

  it('if the queue refuses a message, the isolate stores its events', async () => {
    const log = watchLog()
    const send = () => Promise.reject(new Error('the queue is down'))
    const { server, sink } = archiveServer({ env: { AUDIT_QUEUE: { send } } })
    await signInAndRefresh(server, sink)
    expect(log).toEqual(['audit_not_queued', 'audit_not_queued'])
    expect(kindsOf(await batchedEvents())).toEqual(['issue', 'refresh'])
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 1, 'tokens:refresh_token': 1 })
  })

  it('a message that the queue takes without a response is stored once', async () => {
    watchLog()
    const lost = new AuditSink()
    const send = async (message: AuditMessage) => {
      await lost.queue.send(message)
      throw new Error('the response was lost')
    }
    const { server } = archiveServer({ env: { AUDIT_QUEUE: { send } } })
    await signInAndRefresh(server, lost)
    expect(await lost.flush(server)).toEqual([ACKNOWLEDGED, ACKNOWLEDGED])
    expect(kindsOf(await batchedEvents())).toEqual(['issue', 'refresh'])
    expect(await countedEvents()).toMatchObject({ 'tokens:guest': 1, 'tokens:refresh_token': 1 })
  })

  it('a message of a later version waits in the queue, and the others are stored', async () => {
    const log = watchLog()
    const { server, sink } = archiveServer()
    const [first] = await signInAndRefresh(server, sink)
    const outcomes = await AuditSink.deliver([{ version: 2 }, first], server.services)
    expect(outcomes).toEqual([{ isAcknowledged: false, delaySeconds: 3600 }, ACKNOWLEDGED])
    expect(log).toEqual(['audit_message_unreadable'])
    expect(kindsOf(await batchedEvents())).toEqual(['issue'])
  })

  it('an event of a subject that was erased while the event was in the queue gets the pseudonym', async () => {
    const { server, sink } = archiveServer()
    const messages = await signInAndRefresh(server, sink)
    const subject = String(messages[0]?.events[0]?.subject)
    await env.DB.prepare(
      `INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, 'visitor:erased', 9e9)`,
    )
      .bind(subject)
      .run()
    await sink.flush(server)
    // Only `DB` has the list of erased users at once.
    if (layout.config.audit_databases !== undefined) await server.cron()
    const events = await batchedEvents()
    expect(events.map((event) => event.subject)).toEqual(['visitor:erased', 'visitor:erased'])
    expect(JSON.stringify(await selectEverywhere('SELECT * FROM audit_batches'))).not.toContain(subject)
  })

  it('messages with more events than one transaction takes are stored in several', async () => {
    const { server } = archiveServer()
    const at = server.clock.time
    const events = (message: number) =>
      Array.from({ length: 100 }, (_, i) => ({
        id: message * 100 + i,
        at,
        kind: 'issue',
        outcome: 'ok',
        reason: '',
      }))
    const messages = Array.from({ length: 45 }, (_, i) => ({
      id: `m${i}`,
      at,
      events: events(i),
      counts: [],
    }))
    await AuditSink.deliver(messages, server.services)
    expect(await batchedEvents()).toHaveLength(4500)
    expect(await env.DB.prepare('SELECT count(*) AS n FROM audit_deliveries').first('n')).toBe(3)
  })

  it('the Worker stores the messages of the queue', async () => {
    // The Worker has the config.yml of the repository, without these databases.
    const { server, sink } = archiveServer({ config: { audit_databases: undefined } })
    const messages = await signInAndRefresh(server, sink)
    const acknowledged: unknown[] = []
    const batch = {
      queue: 'sallyport-audit',
      messages: messages.map((body) => ({ body, attempts: 1, ack: () => acknowledged.push(body) })),
    }
    await worker.queue(batch as never, env, {} as ExecutionContext)
    expect(acknowledged).toHaveLength(2)
    expect(kindsOf(await batchedEvents())).toEqual(['issue', 'refresh'])
  })
})
