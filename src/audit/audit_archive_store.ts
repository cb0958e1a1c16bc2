import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { CorruptRecord, callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { formatObject, idOfSuccessor, nameOfObject, parseLines } from './archive_object.ts'
import { type BatchedEvent, batchedEventSchema } from './audit_message.ts'
import { ALL_PARTITIONS } from './batched_event_store.ts'
import { DAY_SECONDS, dayOf } from './event_partition.ts'

/** The most events of an object, which the Worker has in memory. The object has about 5 MB. */
const MAX_EVENTS = 20_000

/** The oldest slot before a time. `?2` is a JSON object of the first slot of partitions. */
const SELECT_OLDEST = `
  SELECT partition, slot FROM (
    SELECT part.n AS partition, (SELECT min(slot) FROM audit_batches
      WHERE partition = part.n AND slot >= coalesce(?2 ->> ('$."' || part.n || '"'), 0)) AS slot
    FROM (${ALL_PARTITIONS}) AS part)
  WHERE slot < ?1 ORDER BY slot, partition LIMIT 1`

/** Batches of a partition and a day, up to MAX_EVENTS, at least one. The events of the others are not read. */
const SELECT_BATCHES = `
  SELECT slot, id, batch.events FROM (
    SELECT slot, id, sum(size) OVER (ORDER BY slot, id) - size AS earlier
    FROM (SELECT slot, id, size FROM audit_batches WHERE partition = ?1 AND slot >= ?2 AND slot < ?3
      ORDER BY slot, id LIMIT ${MAX_EVENTS}))
  CROSS JOIN audit_batches AS batch USING (slot, id)
  WHERE earlier < ${MAX_EVENTS} AND batch.partition = ?1`

/** The condition that all batches of a JSON array of `[slot, id]` exist. `?1` is the partition. */
const ALL_EXIST = `json_array_length(?2) = (
  SELECT count(*) FROM json_each(?2) AS given
  JOIN audit_batches AS batch
    ON batch.partition = ?1 AND batch.slot = given.value ->> 0 AND batch.id = given.value ->> 1)`

const RESERVE = `
  INSERT INTO audit_archives (partition, day, name, size, bytes, blocks, removed_at) VALUES (?, ?, ?, ?, ?, ?, ?)`

const LIST = `
  UPDATE audit_archives SET removed_at = NULL WHERE partition = ?1 AND day = ?3 AND name = ?4 AND ${ALL_EXIST}`

/** It follows LIST. */
const DELETE_BATCHES = `
  DELETE FROM audit_batches WHERE partition = ?1 AND changes() > 0
    AND (slot, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`

const SELECT_REMOVABLE = `
  SELECT partition, day, name FROM audit_archives WHERE removed_at < ?1
  UNION ALL
  SELECT partition, day, name FROM audit_archives WHERE removed_at IS NULL AND day < ?2 LIMIT ?3`

const DELETE_ARCHIVES = `
  DELETE FROM audit_archives WHERE (partition, day, name) IN
    (SELECT value ->> 'partition', value ->> 'day', value ->> 'name' FROM json_each(?))`

/** A write that has not been listed after this time has failed. */
const RESERVED_SECONDS = 3600

const batchesSchema = z.array(z.object({ slot: z.int(), id: z.string(), events: z.string() }))
const oldestSchema = z.object({ partition: z.int(), slot: z.int() })
const namesSchema = z.array(z.object({ partition: z.int(), day: z.int(), name: z.string() }))

/** One run of the cron trigger. */
export interface ArchiveRun {
  /** The end of the last day with a corrupt batch, by its partition. The next run tries the days before again. */
  from: Record<number, number>
}

interface NewObject {
  partition: number
  day: number
  /** The name of the object that this one replaces. */
  predecessor?: string | null
}

/** The decoded events of a row of `audit_batches`. @throws CorruptRecord */
export function decodeBatch(events: string): BatchedEvent[] {
  const record = 'audit batch'
  return decodeRecord(z.array(batchedEventSchema), record, parseJsonColumn(record, events))
}

/** Moves older audit events from D1 to objects in R2, and removes objects. Each step can be repeated. */
export class AuditArchiveStore {
  readonly #db: D1Database
  readonly #bucket: R2Bucket

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db
    this.#bucket = bucket
  }

  /**
   * Moves events of the oldest day and one of its partitions to one object. If a step fails, the events stay in D1, and `sweep`
   * deletes the object.
   *
   * @param before The start of the first slot that stays in D1, in Unix seconds.
   * @returns the number of moved events; 0 if D1 has no older events
   * @throws StorageUnavailable; CorruptRecord: then the next call with the same run goes on after this day of the partition
   */
  async moveNext(before: number, now: number, run: ArchiveRun = { from: {} }): Promise<number> {
    const select = this.#db.prepare(SELECT_OLDEST).bind(before, JSON.stringify(run.from))
    const oldest = await callStore('D1 audit_batches', () => select.first(), SEARCH_DEADLINE_MS)
    if (oldest === null) return 0
    const { partition, slot } = decodeRecord(oldestSchema, 'oldest batch', oldest)
    const day = dayOf(slot)
    const batches = await this.#readBatches(partition, { from: day, to: Math.min(day + DAY_SECONDS, before) })
    // If a batch does not decode, the next call goes on after its day.
    const known = run.from[partition] ?? 0
    run.from[partition] = day + DAY_SECONDS
    const events = batches.flatMap((batch) => decodeBatch(batch.events))
    run.from[partition] = known
    const name = await this.write({ partition, day }, events, now)
    const keys = JSON.stringify(batches.map((batch) => [batch.slot, batch.id]))
    const list = this.#db.prepare(LIST).bind(partition, keys, day, name)
    const remove = this.#db.prepare(DELETE_BATCHES).bind(partition, keys)
    await callStore('D1 audit_archives', () => this.#db.batch([list, remove]), SEARCH_DEADLINE_MS)
    return events.length
  }

  /**
   * Writes an object that is not listed. The caller lists it in the transaction that removes the events from their place.
   *
   * @returns the name
   * @throws StorageUnavailable
   */
  async write(
    { predecessor = null, ...place }: NewObject,
    events: readonly BatchedEvent[],
    now: number,
  ): Promise<string> {
    const id = randomId(9)
    const name = nameOfObject(place, predecessor === null ? id : idOfSuccessor(predecessor, id))
    const { body, blocks } = formatObject(events)
    const reserve = this.#db
      .prepare(RESERVE)
      .bind(place.partition, place.day, name, events.length, body.byteLength, JSON.stringify(blocks), now)
    await callStore('D1 audit_archives', () => reserve.run())
    const httpMetadata = { contentType: 'application/x-ndjson' }
    await callStore('R2', () => this.#bucket.put(name, body, { httpMetadata }), SEARCH_DEADLINE_MS)
    return name
  }

  /** All events of an object. @throws StorageUnavailable, CorruptRecord */
  async read(name: string): Promise<BatchedEvent[]> {
    const object = await callStore('R2', () => this.#bucket.get(name), SEARCH_DEADLINE_MS)
    if (object === null) throw new CorruptRecord(`${name} is missing in the bucket`)
    return parseLines(name, await object.text())
  }

  /**
   * Removes up to `limit` objects of days before a time, and objects that are not listed.
   *
   * @returns the number of removed objects
   * @throws StorageUnavailable, CorruptRecord
   */
  async sweep({ before, now }: { before: number; now: number }, limit: number): Promise<number> {
    const select = this.#db.prepare(SELECT_REMOVABLE).bind(now - RESERVED_SECONDS, dayOf(before), limit)
    const { results } = await callStore('D1 audit_archives', () => select.all())
    const removable = decodeRecord(namesSchema, 'audit archives', results)
    if (removable.length === 0) return 0
    const names = removable.map(({ name }) => name)
    await callStore('R2', () => this.#bucket.delete(names), SEARCH_DEADLINE_MS)
    const remove = this.#db.prepare(DELETE_ARCHIVES).bind(JSON.stringify(removable))
    await callStore('D1 audit_archives', () => remove.run())
    return removable.length
  }

  async #readBatches(
    partition: number,
    { from, to }: { from: number; to: number },
  ): Promise<z.infer<typeof batchesSchema>> {
    const select = this.#db.prepare(SELECT_BATCHES).bind(partition, from, to)
    const { results } = await callStore('D1 audit_batches', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRecord(batchesSchema, 'audit batches', results)
  }
}
