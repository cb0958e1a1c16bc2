import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { ArchivedEventStore } from '../../src/audit/archived_event_store.ts'
import { AuditArchiveStore } from '../../src/audit/audit_archive_store.ts'
import { AuditExportStore } from '../../src/audit/audit_export_store.ts'
import { dayOf, partitionOf } from '../../src/audit/event_partition.ts'
import { mergeSlices } from '../../src/audit/merge_events.ts'
import type { PageQuery } from '../../src/lib/list_page.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { emptyArchive, readPages, requireBucket } from '../support/audit_history.ts'
import { emptyStores } from '../support/server.ts'

const DAY = 86_400
const TODAY = dayOf(1_800_000_000)
const SUBJECT = 'visitor:1'
const PARTITION = partitionOf({ subject: SUBJECT }, 1)

/** The objects that a page of one event reads. */
const OBJECTS_OF_A_PAGE = 30

/** A database that counts the rows which D1 reads. */
function countingReads() {
  const counted = { rows: 0 }
  const db = aroundD1(async (_sql, call) => {
    const result = await call()
    for (const { meta } of [result].flat() as Partial<D1Result>[]) counted.rows += meta?.rows_read ?? 0
    return result
  })
  return { db, counted }
}

/** Lists objects without content: some of each day before today, in one partition. */
async function listObjects({
  days,
  perDay,
  partition = PARTITION,
}: {
  days: number
  perDay: number
  partition?: number
}): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO audit_archives (partition, day, name, size, bytes, blocks)
     SELECT ?2, ?3 - (1 + i / CAST(?4 AS INTEGER)) * ${DAY}, 'absent/' || i, 1, 1, '[]' FROM n`,
  )
    .bind(days * perDay, partition, TODAY, perDay)
    .run()
}

const pageOf = (changes: Partial<PageQuery> = {}) => ({
  sort: 'time',
  isDescending: true,
  from: null,
  isBackwards: false,
  limit: 1,
  ...changes,
})

describe('the index of the archive', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it.each([true, false])(
    'a page with a subject reads as many rows in ten years as in a year (descending: %s)',
    async (isDescending) => {
      const { db, counted } = countingReads()
      const store = new ArchivedEventStore([db], requireBucket())
      const rowsAfter = async (days: number) => {
        await env.DB.prepare('DELETE FROM audit_archives').run()
        await listObjects({ days, perDay: 1 })
        counted.rows = 0
        const page = pageOf({ isDescending })
        const { hasMore } = await store.list({ filter: { subject: SUBJECT }, page, enough: null })
        expect(hasMore).toBe(true)
        return counted.rows
      }
      const inAYear = await rowsAfter(365)
      expect(inAYear).toBeLessThan(10 * OBJECTS_OF_A_PAGE)
      expect(await rowsAfter(3650)).toBe(inAYear)
    },
  )

  it('the newest day, a page of an export and the retention read few rows in a year of 16 partitions', async () => {
    for (let n = 0; n < 16; n++) await listObjects({ days: 365, perDay: 1, partition: 16 + n })
    const { db, counted } = countingReads()
    const archive = new AuditArchiveStore(db, requireBucket())
    const place = ['objects', TODAY - 100 * DAY, 20, 'absent/99', 0] as const
    const reads = {
      newest: () => new ArchivedEventStore([db], requireBucket()).findEnd(),
      export: () =>
        new AuditExportStore(db, { databases: new Map([['DB', db]]), bucket: requireBucket() }).read(
          { from: 0, to: TODAY },
          [...place],
        ),
      retention: () => archive.sweep({ before: TODAY - 400 * DAY, now: TODAY }, 100),
    }
    for (const [name, read] of Object.entries(reads)) {
      counted.rows = 0
      await read()
      expect(counted.rows, name).toBeLessThan(10)
    }
  })

  it('a list continues after a day with more objects than a page reads, in every direction', async () => {
    const archive = new AuditArchiveStore(env.DB, requireBucket())
    await listObjects({ days: 4, perDay: OBJECTS_OF_A_PAGE + 10 })
    // The first and the last second of each day belong to the pages of that day.
    const events = [1, 2, 3, 4].flatMap((day) =>
      [0, DAY - 1].map((second) => ({
        id: 2 ** 52 + 10 * day + (second === 0 ? 0 : 1),
        at: TODAY - day * DAY + second,
        kind: 'issue',
        outcome: 'ok',
        reason: 'r',
        subject: SUBJECT,
      })),
    )
    for (const event of events)
      await archive.write({ partition: PARTITION, day: dayOf(event.at) }, [event], TODAY)
    await env.DB.prepare('UPDATE audit_archives SET removed_at = NULL').run()
    const store = new ArchivedEventStore([env.DB], requireBucket())
    const newestFirst = events.map(({ at }) => at).sort((a, b) => b - a)
    for (const isDescending of [true, false]) {
      for (const isBackwards of [true, false]) {
        const listed = await readPages(
          async (page) => {
            const slice = await store.list({ filter: { subject: SUBJECT }, page, enough: null })
            return mergeSlices([slice], page)
          },
          { isDescending, isBackwards, limit: 1 },
        )
        const expected = isDescending ? newestFirst : newestFirst.toReversed()
        expect(listed.map(({ at }) => at)).toEqual(expected)
      }
    }
  })
})
