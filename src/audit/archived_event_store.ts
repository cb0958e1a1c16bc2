import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import type { PageQuery, Place, Slice } from '../lib/list_page.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { blocksSchema, parseLines, rangeOf, toStored } from './archive_object.ts'
import { type AuditFilter, isMatch } from './audit_filter.ts'
import { DAY_SECONDS, dayOf, partitionsOf } from './event_partition.ts'
import { comparePlaces, isFalling, placeOf } from './merge_events.ts'
import type { StoredAuditEvent } from './stored_event.ts'

/** The most days that one page reads. The next page continues. */
const MAX_DAYS = 120

/** The most objects that one page reads, except those of its first day. */
const MAX_OBJECTS = 200

/** The same for each event of the page, so the search for one event reads few objects. */
const OBJECTS_FOR_EVENT = 30

/** The days and the objects that are read at once. The runtime allows six connections. */
const AT_ONCE = 6

const LAST = Number.MAX_SAFE_INTEGER

/**
 * The objects of some partitions, by whole days: `limit` objects of each partition, and the others of the last of their days.
 * Parameters: the partitions as JSON, the first and the last day, and `limit`.
 */
const selectObjects = (order: 'ASC' | 'DESC') => `
  WITH part AS MATERIALIZED (
    SELECT value AS n, (
      SELECT day FROM audit_archives
      WHERE partition = value AND day BETWEEN ?2 AND ?3 AND removed_at IS NULL
      ORDER BY day ${order} LIMIT 1 OFFSET ?4) AS last
    FROM json_each(?1))
  SELECT partition, day, name, bytes, blocks, part.last IS NOT NULL AS is_cut
  FROM part CROSS JOIN audit_archives AS archive
    ON archive.partition = part.n
    AND archive.day BETWEEN ${order === 'ASC' ? '?2 AND coalesce(part.last, ?3)' : 'coalesce(part.last, ?2) AND ?3'}
  WHERE removed_at IS NULL ORDER BY day ${order}, name`

const archiveSchema = z.object({
  partition: z.int(),
  day: z.int(),
  name: z.string(),
  bytes: z.int(),
  blocks: z.string(),
})
const foundSchema = z.array(z.extend(archiveSchema, { is_cut: z.int() }))
export const archivesSchema = z.array(archiveSchema)

/** A row of `audit_archives`. */
export type Archive = z.infer<typeof archivesSchema>[number]

/** A list of the events of one subject. */
interface ArchivedList {
  filter: AuditFilter & { subject: string }
  page: PageQuery
  /** The time of the last event that the page needs, by the other sources; null if they do not fill the page. */
  enough: number | null
}

/** Reads the events of a subject from the objects in R2. */
export class ArchivedEventStore {
  readonly #databases: readonly D1Database[]
  readonly #bucket: R2Bucket | null

  /**
   * @param databases Each lists objects in `audit_archives`.
   * @param bucket Null without a bucket: then there are no events.
   */
  constructor(databases: readonly D1Database[], bucket: R2Bucket | null) {
    this.#databases = databases
    this.#bucket = bucket
  }

  /** The end of the newest archived day, in Unix seconds; null without an archive. @throws StorageUnavailable */
  async findEnd(): Promise<number | null> {
    const rows = await this.#select('SELECT max(day) AS day FROM audit_archives WHERE removed_at IS NULL')
    const days = decodeRecord(z.array(z.object({ day: z.nullable(z.int()) })), 'audit archives', rows)
    const last = Math.max(...days.map(({ day }) => day ?? -1))
    return last === -1 ? null : last + DAY_SECONDS
  }

  /**
   * Reads the archived part of a page.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async list({ filter, page, enough }: ArchivedList): Promise<Slice<StoredAuditEvent>> {
    const maxObjects = Math.min(MAX_OBJECTS, OBJECTS_FOR_EVENT * page.limit)
    const { archives, isCut } = await this.#find({ filter, page }, maxObjects)
    const falling = isFalling(page)
    const sign = falling ? -1 : 1
    const found: StoredAuditEvent[] = []
    const days = [...Map.groupBy(archives, ({ day }) => day)]
    const isBeyond = (day: number) =>
      enough !== null && (falling ? day + DAY_SECONDS <= enough : day > enough)
    const end = countDays(days, maxObjects)
    // The events of a day can be in several objects, so a page ends between two days.
    const before = (day: number): Place => (falling ? [day + DAY_SECONDS, 0] : [day - 1, LAST])
    let next = 0
    while (next < days.length) {
      const [day = 0] = days[next] ?? []
      if (found.length > page.limit || isBeyond(day) || next >= end)
        return { rows: found, hasMore: true, readTo: before(day) }
      const some = days.slice(next, Math.min(next + AT_ONCE, end))
      next += some.length
      const events = await this.readSubject(
        some.flatMap(([, ofDay]) => ofDay),
        filter.subject,
      )
      const isInPage = (event: StoredAuditEvent) =>
        page.from === null || sign * comparePlaces(placeOf(event), page.from) > 0
      found.push(...events.filter((event) => isMatch(event, filter) && isInPage(event)))
    }
    const [last = 0] = days.at(-1) ?? []
    const after = falling ? last - DAY_SECONDS : last + DAY_SECONDS
    return isCut ? { rows: found, hasMore: true, readTo: before(after) } : { rows: found, hasMore: false }
  }

  /** Reads the events of a subject in objects. @throws StorageUnavailable, CorruptRecord */
  async readSubject(archives: readonly Archive[], subject: string): Promise<StoredAuditEvent[]> {
    const events: StoredAuditEvent[] = []
    for (let start = 0; start < archives.length; start += AT_ONCE) {
      const some = archives.slice(start, start + AT_ONCE)
      const read = await Promise.all(some.map((archive) => this.#readRange(archive, subject)))
      events.push(...read.flat())
    }
    return events
  }

  async #readRange({ name, bytes, blocks }: Archive, subject: string): Promise<StoredAuditEvent[]> {
    const range = rangeOf(
      { bytes, blocks: decodeRecord(blocksSchema, name, parseJsonColumn(name, blocks)) },
      subject,
    )
    if (range === null) return []
    const object = await callStore('R2', () => this.#requireBucket().get(name, { range }), SEARCH_DEADLINE_MS)
    const text = object === null ? '' : await object.text()
    return toStored(parseLines(name, text).filter((event) => event.subject === subject))
  }

  #requireBucket(): R2Bucket {
    if (this.#bucket === null) throw new Error('the binding AUDIT_ARCHIVE is missing')
    return this.#bucket
  }

  /** The objects of a list, in the direction of its page, by whole days. `isCut`: there can be objects of further days. */
  async #find(
    { filter, page }: Pick<ArchivedList, 'filter' | 'page'>,
    limit: number,
  ): Promise<{ archives: Archive[]; isCut: boolean }> {
    const falling = isFalling(page)
    const [at, id] = (page.from ?? []).map(Number)
    // A place between two days leaves out the day that was read.
    const start = falling || at === undefined ? 0 : at + (id === LAST ? 1 : 0)
    const end = falling && at !== undefined ? at - (id === 0 ? 1 : 0) : LAST
    const rows = await this.#select(
      selectObjects(falling ? 'DESC' : 'ASC'),
      JSON.stringify(partitionsOf(filter.subject)),
      dayOf(Math.max(start, filter.from ?? 0)),
      Math.min(end, filter.to ?? LAST),
      limit,
    )
    const sign = falling ? -1 : 1
    const archives = decodeRecord(foundSchema, 'audit archives', rows).sort((a, b) => sign * (a.day - b.day))
    return { archives, isCut: archives.some(({ is_cut: isCut }) => isCut === 1) }
  }

  /** The rows of a query in all databases. */
  async #select(sql: string, ...values: readonly unknown[]): Promise<unknown[]> {
    const selects = this.#databases.map((db) => db.prepare(sql).bind(...values))
    const found = await Promise.all(
      selects.map((select) => callStore('D1 audit_archives', () => select.all())),
    )
    return found.flatMap(({ results }) => results)
  }
}

/** How many of the days one page reads: at least one. */
function countDays(
  days: readonly (readonly [day: number, archives: Archive[]])[],
  maxObjects: number,
): number {
  let objects = 0
  const end = days.findIndex(([, ofDay], i) => {
    objects += ofDay.length
    return i === MAX_DAYS || (i > 0 && objects > maxObjects)
  })
  return end === -1 ? days.length : end
}
