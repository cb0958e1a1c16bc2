import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import type { AuditMessage, BatchedEvent } from '../../src/audit/audit_message.ts'
import { SLOT_SECONDS } from '../../src/audit/event_partition.ts'
import { KillableService } from '../support/killable_service.ts'
import { serviceBundle } from '../support/shared_builds.ts'

// The service runs in its own workerd, with D1 and R2 on disk. The test is the queue: like Cloudflare, it delivers each message
// again that was not acknowledged, and some messages twice.

const DAY = 86_400
const QUEUE = 'sallyport-audit'
const MESSAGES = 480
const EVENTS_OF_A_MESSAGE = 10
const MESSAGES_AT_ONCE = 5

/** The days of the events. Each has an object in each partition. */
const DAYS = 4

/**
 * When the service is killed, in milliseconds after the start of the work. Some of these times are in the middle of the work,
 * on a fast and on a slow machine.
 */
const KILLED_AFTER_MS = [50, 150, 400, 1000]

/** The first time of a kill of the cron trigger, and its growth after each run without an object. */
const FIRST_KILL_MS = 50
const KILL_GROWTH = 1.25

/** The most objects of a run of the cron trigger. */
const MAX_OBJECTS = 25

/** More runs of the cron trigger than the events need. */
const MAX_RUNS = 50

const NOW = Math.floor(Date.now() / 1000)

let killable: KillableService

/** Messages with events of old days, which the archive takes, in 16 partitions. */
function makeMessages(): AuditMessage[] {
  return Array.from({ length: MESSAGES }, (_, m) => {
    const events = Array.from({ length: EVENTS_OF_A_MESSAGE }, (_, i): BatchedEvent => {
      const n = m * EVENTS_OF_A_MESSAGE + i
      const at = NOW - (5 + (n % DAYS)) * DAY - (m % 6) * SLOT_SECONDS
      return {
        id: 2 ** 52 + n,
        at,
        kind: 'refresh',
        outcome: 'ok',
        reason: 'rotated',
        subject: `visitor:${n % 97}`,
        sid: `s1.${n % 97}`,
      }
    })
    return {
      id: `message ${m}`,
      at: NOW,
      events,
      counts: [{ minute: NOW - (NOW % 60), counts: { token: 7 } }],
    }
  })
}

async function deliver(messages: readonly AuditMessage[]): Promise<boolean> {
  try {
    const bodies = messages.map((body) => ({ id: body.id, body }))
    return (await killable.service.deliver(QUEUE, bodies)).length === messages.length
  } catch {
    return false
  }
}

function groupsOf(messages: readonly AuditMessage[]): AuditMessage[][] {
  const count = Math.ceil(messages.length / MESSAGES_AT_ONCE)
  return Array.from({ length: count }, (_, i) =>
    messages.slice(i * MESSAGES_AT_ONCE, (i + 1) * MESSAGES_AT_ONCE),
  )
}

async function readNumber(sql: string): Promise<number> {
  return Number(await killable.service.stores.DB.prepare(sql).first('n'))
}

const countBatched = () => readNumber('SELECT coalesce(sum(size), 0) AS n FROM audit_batches')
const countObjects = () => readNumber('SELECT count(*) AS n FROM audit_archives')

/** The ids of all events in batches and in listed objects, sorted. An event in two places is listed twice. */
async function findEvents(): Promise<number[]> {
  const { DB, AUDIT_ARCHIVE } = killable.service.stores
  const batches = await DB.prepare('SELECT events FROM audit_batches').all<{ events: string }>()
  const listed = await DB.prepare('SELECT name FROM audit_archives WHERE removed_at IS NULL').all<{
    name: string
  }>()
  const texts = await Promise.all(
    listed.results.map(async ({ name }) => (await AUDIT_ARCHIVE?.get(name))?.text() ?? ''),
  )
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '')
  const events: { id: number }[] = [
    ...batches.results.flatMap((row) => JSON.parse(row.events)),
    ...lines.map((line) => JSON.parse(line)),
  ]
  return events.map(({ id }) => id).sort((a, b) => a - b)
}

describe('a service that is killed while it stores and archives audit events', () => {
  const messages = makeMessages()
  const ids = messages.flatMap(({ events }) => events.map(({ id }) => id))

  beforeAll(async () => {
    const keys = { audit_archive: { partitions: 16, hot_hours: 72 } }
    killable = await KillableService.start(configureBundle(await serviceBundle(), keys))
  })
  afterAll(() => killable.service.close())

  it('the consumer of the queue loses no event and counts none twice', async () => {
    let interrupted = 0
    for (const [kill, killedAfterMs] of KILLED_AFTER_MS.entries()) {
      const groups = groupsOf(messages.filter((_, i) => i % KILLED_AFTER_MS.length === kill))
      const stored = await countBatched()
      const work = async () => {
        for (const group of groups) await deliver(group)
      }
      await killable.killDuring(work, killedAfterMs)
      const added = (await countBatched()) - stored
      if (added > 0 && added < groups.flat().length * EVENTS_OF_A_MESSAGE) interrupted++
      // Cloudflare delivers again what was not acknowledged, and can deliver again what was.
      for (const group of groups.toReversed()) expect(await deliver(group)).toBe(true)
    }
    expect(interrupted).toBeGreaterThan(0)
    expect(await findEvents()).toEqual(ids)
    const tokens = await readNumber(
      "SELECT sum(value) AS n FROM audit_counters, json_each(counts) WHERE key = 'token'",
    )
    expect(tokens).toBe(7 * MESSAGES)
  })

  it('the cron trigger moves each event once, and continues after each kill', async () => {
    let isInterrupted = false
    // The time grows slowly, so that one kill is after the first object and before the last one of its run.
    for (let ms = FIRST_KILL_MS; !isInterrupted && (await countBatched()) > 0; ms *= KILL_GROWTH) {
      const before = await countObjects()
      await killable.killDuring(() => killable.service.runCron().catch(() => {}), ms)
      expect(await findEvents()).toEqual(ids)
      const made = (await countObjects()) - before
      isInterrupted = made > 0 && made < MAX_OBJECTS
      if (made >= MAX_OBJECTS) ms = FIRST_KILL_MS
    }
    expect(isInterrupted).toBe(true)
    for (let run = 0; run < MAX_RUNS && (await countBatched()) > 0; run++) await killable.service.runCron()
    expect(await countBatched()).toBe(0)
    expect(await findEvents()).toEqual(ids)
    const objects = await countObjects()
    process.stdout.write(`measured: ${ids.length} events, ${objects} objects\n`)
  })
})
