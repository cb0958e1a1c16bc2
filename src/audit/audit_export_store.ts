import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { blocksSchema, parseLines, toStored } from './archive_object.ts'
import { decodeBatch } from './audit_archive_store.ts'
import { dayOf, slotOf } from './event_partition.ts'
import { decodeEvents, type StoredAuditEvent } from './stored_event.ts'

/** The events of a page, about. */
const PAGE_EVENTS = 1000

/** The bytes of an object that a page reads, about. */
const PAGE_BYTES = 256 * 1024

const SELECT_ROWS = `
  SELECT * FROM audit_events WHERE at >= ?1 AND at < ?2 AND (at, id) > (?3, ?4) ORDER BY at, id LIMIT ${PAGE_EVENTS}`

/** At least one batch after a place. The events of those beyond the page are not read. */
const SELECT_BATCHES = `
  SELECT partition, slot, id, batch.events FROM (
    SELECT partition, slot, id, sum(size) OVER (ORDER BY partition, slot, id) - size AS earlier FROM (
      SELECT partition, slot, id, size FROM audit_batches WHERE (partition, slot, id) > (?1, ?2, ?3) AND slot BETWEEN ?4 AND ?5
      ORDER BY partition, slot, id LIMIT 200))
  CROSS JOIN audit_batches AS batch USING (partition, slot, id)
  WHERE earlier < ${PAGE_EVENTS} ORDER BY partition, slot, id`

/** The object of a place, or the next one. */
const SELECT_ARCHIVE = `
  SELECT partition, day, name, bytes, blocks FROM audit_archives
  WHERE (day, partition, name) >= (?1, ?2, ?3) AND day BETWEEN ?4 AND ?5 AND removed_at IS NULL
  ORDER BY day, partition, name LIMIT 1`

const keySchema = z.object({ partition: z.int(), slot: z.int(), id: z.string(), events: z.string() })
const archiveSchema = z.object({
  ...{ partition: z.int(), day: z.int(), name: z.string(), bytes: z.int(), blocks: z.string() },
})

/** A place in an export. Rows come first, then batches, then objects, because events move in this direction. */
export const exportPlaceSchema = z.union([
  z.tuple([z.literal('rows'), z.int(), z.int()]),
  z.tuple([z.literal('batches'), z.int(), z.int(), z.string()]),
  z.tuple([z.literal('objects'), z.int(), z.int(), z.string(), z.int()]),
])
export type ExportPlace = z.output<typeof exportPlaceSchema>

export interface ExportPage {
  events: StoredAuditEvent[]
  /** The place of the next page; null after the last one. */
  next: ExportPlace | null
}

/** A time in Unix seconds: `from` is inclusive, `to` exclusive. */
interface Span {
  from: number
  to: number
}

/** Reads all audit events of a time, page by page. An event that moves meanwhile can be on two pages, with the same id. */
export class AuditExportStore {
  readonly #db: D1Database
  readonly #bucket: R2Bucket | null

  constructor(db: D1Database, bucket: R2Bucket | null) {
    this.#db = db
    this.#bucket = bucket
  }

  /** @param place Null for the first page. @throws StorageUnavailable, CorruptRecord */
  async read(span: Span, place: ExportPlace | null): Promise<ExportPage> {
    const [source, ...key] = place ?? (['rows', -1, -1] as const)
    const page = await {
      rows: () => this.#readRows(span, key),
      batches: () => this.#readBatches(span, key),
      objects: () => this.#readObject(span, key),
    }[source]()
    return { ...page, events: page.events.filter(({ at }) => at >= span.from && at < span.to) }
  }

  async #readRows({ from, to }: Span, key: readonly unknown[]): Promise<ExportPage> {
    const select = this.#db.prepare(SELECT_ROWS).bind(from, to, ...key)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    const events = decodeEvents(results)
    const last = events.at(-1)
    const isLast = events.length < PAGE_EVENTS || last === undefined
    return { events, next: isLast ? ['batches', -1, -1, ''] : ['rows', last.at, last.id] }
  }

  async #readBatches({ from, to }: Span, key: readonly unknown[]): Promise<ExportPage> {
    const select = this.#db.prepare(SELECT_BATCHES).bind(...key, slotOf(from), to)
    const { results } = await callStore('D1 audit_batches', () => select.all(), SEARCH_DEADLINE_MS)
    const batches = decodeRecord(z.array(keySchema), 'audit batches', results)
    const last = batches.at(-1)
    const events = toStored(batches.flatMap((batch) => decodeBatch(batch.events)))
    if (last === undefined) return { events, next: ['objects', -1, -1, '', 0] }
    return { events, next: ['batches', last.partition, last.slot, last.id] }
  }

  async #readObject({ from, to }: Span, key: readonly unknown[]): Promise<ExportPage> {
    const [day, partition, name, given] = key
    const select = this.#db.prepare(SELECT_ARCHIVE).bind(day, partition, name, dayOf(from), to)
    const row = await callStore('D1 audit_archives', () => select.first())
    if (row === null) return { events: [], next: null }
    const archive = decodeRecord(archiveSchema, 'audit archive', row)
    const offset = archive.name === name ? Number(given) : 0
    const blocks = decodeRecord(blocksSchema, archive.name, parseJsonColumn(archive.name, archive.blocks))
    const [, end] = blocks.find(([, start]) => start >= offset + PAGE_BYTES) ?? ['', archive.bytes]
    const text = await this.#readText(archive.name, { offset, length: end - offset })
    const isWhole = end >= archive.bytes
    // No name is between this one and the same one with another character.
    const next = isWhole ? `${archive.name} ` : archive.name
    return {
      events: toStored(parseLines(archive.name, text)),
      next: ['objects', archive.day, archive.partition, next, isWhole ? 0 : end],
    }
  }

  async #readText(name: string, range: R2Range): Promise<string> {
    const bucket = this.#bucket
    if (bucket === null) throw new Error('the binding AUDIT_ARCHIVE is missing')
    const object = await callStore('R2', () => bucket.get(name, { range }), SEARCH_DEADLINE_MS)
    return object === null ? '' : object.text()
  }
}
