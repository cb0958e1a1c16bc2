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
  partition: z.int(),
  day: z.int(),
  name: z.string(),
  bytes: z.int(),
  blocks: z.string(),
})

/** The binding of a database. Absent in a place of an earlier version, which has only the main one. */
const database = z.optional(z.string())

/** The name of the main database. */
const MAIN_NAME = 'DB'

/** A place in an export. Rows come first, then the batches of each database, then their objects, because events move in this direction. */
export const exportPlaceSchema = z.union([
  z.tuple([z.literal('rows'), z.int(), z.int()]),
  z.tuple([z.literal('batches'), z.int(), z.int(), z.string(), database]),
  z.tuple([z.literal('objects'), z.int(), z.int(), z.string(), z.int(), database]),
])
export type ExportPlace = z.output<typeof exportPlaceSchema>

export interface ExportPage {
  events: StoredAuditEvent[]
  /** The place of the next page; null after the last one. */
  next: ExportPlace | null
}

type BatchKey = [partition: number, slot: number, id: string]
type ObjectKey = [day: number, partition: number, name: string, offset: number]

/** A part of the events of one database, and its end; null after the last part. */
interface Part<Key> {
  events: StoredAuditEvent[]
  end: Key | null
}

/** A time in Unix seconds: `from` is inclusive, `to` exclusive. */
interface Span {
  from: number
  to: number
}

/** Reads all audit events of a time, page by page. An event that moves meanwhile can be on two pages, with the same id. */
export class AuditExportStore {
  readonly #db: D1Database
  readonly #databases: readonly (readonly [name: string, db: D1Database])[]
  readonly #bucket: R2Bucket | null

  /**
   * @param db The main database. It has the rows.
   * @param options.databases The databases of batches, by their bindings, with the main one.
   */
  constructor(
    db: D1Database,
    { databases, bucket }: { databases: ReadonlyMap<string, D1Database>; bucket: R2Bucket | null },
  ) {
    this.#db = db
    this.#databases = [...databases]
    this.#bucket = bucket
  }

  /** @param place Null for the first page. @throws StorageUnavailable, CorruptRecord */
  async read(span: Span, place: ExportPlace | null): Promise<ExportPage> {
    const page = await this.#readPage(span, place ?? ['rows', -1, -1])
    return { ...page, events: page.events.filter(({ at }) => at >= span.from && at < span.to) }
  }

  async #readPage(span: Span, place: ExportPlace): Promise<ExportPage> {
    if (place[0] === 'rows') return this.#readRows(span, place.slice(1))
    const index = this.#databases.findIndex(([name]) => name === (place.at(-1) ?? MAIN_NAME))
    const [name, db] = this.#databases[index] ?? []
    // config.yml no longer lists the database, so the batches begin again: the export repeats events and misses none.
    if (name === undefined || db === undefined) return { events: [], next: this.#batchesOf(0) }
    if (place[0] === 'batches') {
      const { events, end } = await readBatches(db, span, place.slice(1, 4))
      return { events, next: end === null ? this.#batchesOf(index + 1) : ['batches', ...end, name] }
    }
    const { events, end } = await this.#readObject(db, span, place.slice(1, 5))
    return { events, next: end === null ? this.#objectsOf(index + 1) : ['objects', ...end, name] }
  }

  /** The first place in the batches of a database. The objects follow the last one. */
  #batchesOf(index: number): ExportPlace | null {
    const [name] = this.#databases[index] ?? []
    return name === undefined ? this.#objectsOf(0) : ['batches', -1, -1, '', name]
  }

  #objectsOf(index: number): ExportPlace | null {
    const [name] = this.#databases[index] ?? []
    return name === undefined ? null : ['objects', -1, -1, '', 0, name]
  }

  async #readRows({ from, to }: Span, key: readonly unknown[]): Promise<ExportPage> {
    const select = this.#db.prepare(SELECT_ROWS).bind(from, to, ...key)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    const events = decodeEvents(results)
    const last = events.at(-1)
    const isLast = events.length < PAGE_EVENTS || last === undefined
    return { events, next: isLast ? this.#batchesOf(0) : ['rows', last.at, last.id] }
  }

  async #readObject(db: D1Database, { from, to }: Span, key: readonly unknown[]): Promise<Part<ObjectKey>> {
    const [day, partition, name, given] = key
    const select = db.prepare(SELECT_ARCHIVE).bind(day, partition, name, dayOf(from), to)
    const row = await callStore('D1 audit_archives', () => select.first())
    if (row === null) return { events: [], end: null }
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
      end: [archive.day, archive.partition, next, isWhole ? 0 : end],
    }
  }

  async #readText(name: string, range: R2Range): Promise<string> {
    const bucket = this.#bucket
    if (bucket === null) throw new Error('the binding AUDIT_ARCHIVE is missing')
    const object = await callStore('R2', () => bucket.get(name, { range }), SEARCH_DEADLINE_MS)
    return object === null ? '' : object.text()
  }
}

async function readBatches(
  db: D1Database,
  { from, to }: Span,
  key: readonly unknown[],
): Promise<Part<BatchKey>> {
  const select = db.prepare(SELECT_BATCHES).bind(...key, slotOf(from), to)
  const { results } = await callStore('D1 audit_batches', () => select.all(), SEARCH_DEADLINE_MS)
  const batches = decodeRecord(z.array(keySchema), 'audit batches', results)
  const last = batches.at(-1)
  const events = toStored(batches.flatMap((batch) => decodeBatch(batch.events)))
  return { events, end: last === undefined ? null : [last.partition, last.slot, last.id] }
}
