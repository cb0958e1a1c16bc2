import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { toStored } from '../../src/audit/archive_object.ts'
import type { AuditFilter } from '../../src/audit/audit_filter.ts'
import { isMatch } from '../../src/audit/audit_filter.ts'
import type { AuditMessage, BatchedEvent } from '../../src/audit/audit_message.ts'
import type { StoredAuditEvent } from '../../src/audit/stored_event.ts'
import type { PageQuery, Place, Slice } from '../../src/lib/list_page.ts'
import { emptyAuditDatabases, selectEverywhere } from './audit_databases.ts'
import { AuditSink } from './audit_sink.ts'
import type { TestServer } from './server.ts'

const DAY = 86_400

/** Empties the bucket and the databases of audit events. */
export async function emptyArchive(): Promise<void> {
  await emptyAuditDatabases()
  const { objects } = await requireBucket().list()
  await Promise.all(objects.map(({ key }) => requireBucket().delete(key)))
}

export function requireBucket(): R2Bucket {
  if (env.AUDIT_ARCHIVE === undefined) throw new Error('wrangler.toml has no bucket')
  return env.AUDIT_ARCHIVE
}

export async function keysInBucket(): Promise<string[]> {
  return (await requireBucket().list()).objects.map(({ key }) => key).sort()
}

/** Events of three guests and a machine in a number of days, the oldest first. They are in no store. */
export function makeHistory(now: number, days: number, perDay = 12): BatchedEvent[] {
  return Array.from({ length: days * perDay }, (_, i) => {
    const day = Math.floor(i / perDay)
    const n = i % 4
    const subject = n === 3 ? 'machine' : `visitor:${n}`
    // Two events in a row have the same second.
    const at = now - (days - 1 - day) * DAY - (perDay - 2 * Math.floor((i % perDay) / 2)) * 60
    return {
      id: 2 ** 52 + i,
      at,
      kind: ['issue', 'refresh', 'retry'][i % 3] ?? '',
      outcome: 'ok',
      reason: `event ${i}`,
      client_id: i % 5 === 0 ? 'shop' : 'machine',
      subject,
      ...(n === 3 ? {} : { sid: `s1.${n}` }),
      device: 'Chrome on Android',
      country: 'DE',
      address_prefix: '198.51.100.0/24',
    }
  })
}

/** Stores events as the consumer of the queue does, in messages of a few. */
export async function deliverHistory(server: TestServer, events: readonly BatchedEvent[]): Promise<void> {
  const messages: AuditMessage[] = []
  const used = server.services.config.auditDatabases.filter(({ takesNewEvents }) => takesNewEvents)
  const databases = used.map(({ binding }) => binding)
  for (let start = 0; start < events.length; start += 5) {
    const some = events.slice(start, start + 5)
    messages.push({ id: crypto.randomUUID(), at: server.clock.time, events: some, counts: [], databases })
  }
  for (let start = 0; start < messages.length; start += 4)
    await AuditSink.deliver(messages.slice(start, start + 4), server.services)
}

/** The events of a filter in the order of a list. */
export function select(
  events: readonly BatchedEvent[],
  filter: AuditFilter,
  isDescending: boolean,
): StoredAuditEvent[] {
  const found = toStored(events).filter((event) => isMatch(event, filter))
  const sorted = found.sort((a, b) => a.at - b.at || a.id - b.id)
  return isDescending ? sorted.reverse() : sorted
}

type ReadPage = (page: PageQuery<'time'>) => Promise<Slice<StoredAuditEvent>>

/** Reads all pages of a list in one direction, in the order of the list. */
export async function readPages(
  read: ReadPage,
  { isDescending, isBackwards, limit }: Pick<PageQuery, 'isDescending' | 'isBackwards' | 'limit'>,
): Promise<StoredAuditEvent[]> {
  const pages: StoredAuditEvent[][] = []
  const end: Place = isDescending ? [0, 0] : [Number.MAX_SAFE_INTEGER, 0]
  let from: Place | null = isBackwards ? end : null
  for (let count = 0; count < 200; count++) {
    const slice = await read({ sort: 'time', isDescending, isBackwards, limit, from })
    pages.push(slice.rows)
    if (!slice.hasMore) return (isBackwards ? pages.reverse() : pages).flat()
    const last = isBackwards ? slice.rows[0] : slice.rows.at(-1)
    from = slice.readTo ?? (last === undefined ? from : [last.at, last.id])
  }
  throw new Error('the list has no end')
}

const DIRECTIONS = [
  { isDescending: true, isBackwards: false },
  { isDescending: true, isBackwards: true },
  { isDescending: false, isBackwards: false },
  { isDescending: false, isBackwards: true },
]

/** Checks that each filter lists the matching events in every direction and on every page. */
export async function expectLists(
  { services }: TestServer,
  events: readonly BatchedEvent[],
  filters: readonly AuditFilter[],
): Promise<void> {
  for (const filter of filters) {
    for (const direction of DIRECTIONS) {
      const read: ReadPage = async (page) => (await services.auditTrail.list(filter, page, null)).slice
      const listed = await readPages(read, { ...direction, limit: 7 })
      const expected = select(events, filter, direction.isDescending)
      expect(listed, JSON.stringify({ filter, direction })).toEqual(expected)
    }
  }
}

/** All events in batches and in listed objects, by their ids. An event in two places is listed twice. */
export async function findEverywhere(): Promise<{ inD1: number[]; inR2: number[] }> {
  const results = await selectEverywhere<{ id: number }>(
    "SELECT value ->> 'id' AS id FROM audit_batches, json_each(audit_batches.events)",
  )
  const archives = await selectEverywhere<{ name: string }>(
    'SELECT name FROM audit_archives WHERE removed_at IS NULL',
  )
  const objects = await Promise.all(archives.map(({ name }) => requireBucket().get(name)))
  const texts = await Promise.all(objects.map((object) => object?.text() ?? ''))
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  const inR2: number[] = lines.map((line) => JSON.parse(line).id)
  return { inD1: results.map(({ id }) => id).sort(), inR2: inR2.sort() }
}
