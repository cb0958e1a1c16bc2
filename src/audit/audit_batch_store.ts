import * as z from 'zod/mini'
import { encodeUtf8, randomId } from '../lib/bytes.ts'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { AuditMessage, BatchedEvent } from './audit_message.ts'
import { addCounts, addCountsSql } from './event_counters.ts'
import { partitionOf, slotOf } from './event_partition.ts'

/** The most events of one transaction. A parameter of D1 has at most 2 MB. */
const MAX_EVENTS = 2000

/** The events of one row, about. A statement of D1 has at most 100 KB, also in an export of the database. */
const ROW_BYTES = 60 * 1024

/** The clocks of isolates differ by less. */
const CLOCK_MARGIN_SECONDS = 60

/** A transaction fails to begin only if another one stored a message or an erasure since the last read. */
const MAX_ATTEMPTS = 5

/**
 * Lists the messages as delivered, unless one is delivered already or an event is of an erased subject. Parameters: the time, the
 * id of the delivery, the messages, the time of the oldest one, and the subjects.
 */
const CLAIM = `
  INSERT INTO audit_deliveries (at, id, messages) SELECT ?1, ?2, ?3
  WHERE NOT EXISTS (
      SELECT 1 FROM audit_deliveries AS earlier CROSS JOIN json_each(earlier.messages) AS known
      WHERE earlier.at >= ?4 AND known.value IN (SELECT value FROM json_each(?3)))
    AND NOT EXISTS (SELECT 1 FROM erasures WHERE subject IN (SELECT value FROM json_each(?5)))`

const SELECT_DELIVERED = `
  SELECT known.value AS id FROM audit_deliveries AS earlier CROSS JOIN json_each(earlier.messages) AS known
  WHERE earlier.at >= ?1 AND known.value IN (SELECT value FROM json_each(?2))`

const SELECT_ERASED =
  'SELECT subject, pseudonym FROM erasures WHERE subject IN (SELECT value FROM json_each(?))'

const IS_CLAIMED = 'EXISTS (SELECT 1 FROM audit_deliveries WHERE at = ?2 AND id = ?3)'

const ADD_COUNTS = addCountsSql(IS_CLAIMED)

const SWEEP_DELIVERIES = `
  DELETE FROM audit_deliveries WHERE (at, id) IN (SELECT at, id FROM audit_deliveries WHERE at < ? LIMIT ?)`

const deliveredSchema = z.array(z.object({ id: z.string() }))
const erasedSchema = z.array(z.object({ subject: z.string(), pseudonym: z.string() }))

/** The insertion of batches. Its first parameter is the JSON of `batchesOf`. */
export function insertBatchesSql(condition: string): string {
  return `INSERT INTO audit_batches (partition, slot, id, size, events)
  SELECT value ->> 'partition', value ->> 'slot', value ->> 'id', json_array_length(value, '$.events'), value -> 'events'
  FROM json_each(?1) WHERE ${condition}`
}

const INSERT_BATCHES = insertBatchesSql(IS_CLAIMED)

/** Groups events by partition, slot and size, as JSON. @param id The start of the id of each batch, unique among all calls */
export function batchesOf(events: readonly BatchedEvent[], partitions: number, id = randomId(9)): string {
  const groups = Map.groupBy(events, (event) => `${partitionOf(event, partitions)} ${slotOf(event.at)}`)
  const batches = [...groups].flatMap(([key, ofGroup]) => {
    const [partition, slot] = key.split(' ').map(Number)
    return rowsOf(ofGroup).map((ofRow, n) => ({ partition, slot, id: `${id}-${n}`, events: ofRow }))
  })
  return JSON.stringify(batches)
}

function rowsOf(events: readonly BatchedEvent[]): BatchedEvent[][] {
  const rows: BatchedEvent[][] = []
  let bytes = ROW_BYTES
  for (const event of events) {
    const length = encodeUtf8(JSON.stringify(event)).byteLength + 1
    if (bytes + length > ROW_BYTES) {
      rows.push([])
      bytes = 0
    }
    rows.at(-1)?.push(event)
    bytes += length
  }
  return rows
}

/** The event without the personal data of an erased subject. */
export function withPseudonym(event: BatchedEvent, pseudonym: string): BatchedEvent {
  const { address_prefix, device, country, ...rest } = event
  return { ...rest, id: event.id, at: event.at, subject: pseudonym }
}

/** Stores the events of the queue in D1: one row for each partition and slot, and the counters, in one transaction. */
export class AuditBatchStore {
  readonly #db: D1Database
  readonly #partitions: number

  constructor(db: D1Database, partitions: number) {
    this.#db = db
    this.#partitions = partitions
  }

  /**
   * Stores messages. A message that is stored already is left out, so the caller can repeat a failed call.
   *
   * @throws StorageUnavailable
   */
  async store(messages: readonly AuditMessage[], now: number): Promise<void> {
    let group: AuditMessage[] = []
    let size = 0
    for (const message of messages) {
      if (size + message.events.length > MAX_EVENTS && group.length > 0) {
        await this.#storeGroup(group, now)
        group = []
        size = 0
      }
      group.push(message)
      size += message.events.length
    }
    if (group.length > 0) await this.#storeGroup(group, now)
  }

  async #storeGroup(given: readonly AuditMessage[], now: number): Promise<void> {
    // One response of the queue can have a message twice.
    let messages = [...new Map(given.map((message) => [message.id, message])).values()]
    for (let attempt = 0; messages.length > 0; attempt++) {
      if (await this.#tryGroup(messages, now)) return
      if (attempt === MAX_ATTEMPTS) throw new Error('the events changed in each attempt to store them')
      messages = await this.#readAgain(messages)
    }
  }

  /** @returns false if a message is stored already, or if an event is of an erased subject */
  async #tryGroup(messages: readonly AuditMessage[], now: number): Promise<boolean> {
    const id = randomId(9)
    const events = messages.flatMap((message) => message.events)
    const counts = addCounts(messages.flatMap((message) => message.counts))
    const claim = this.#db
      .prepare(CLAIM)
      .bind(now, id, idsOf(messages), oldestOf(messages), JSON.stringify(subjectsOf(messages)))
    const insert = this.#db.prepare(INSERT_BATCHES).bind(batchesOf(events, this.#partitions, id), now, id)
    const count = this.#db.prepare(ADD_COUNTS).bind(JSON.stringify(counts), now, id)
    const statements = [
      claim,
      ...(events.length === 0 ? [] : [insert]),
      ...(counts.length === 0 ? [] : [count]),
    ]
    const [claimed] = await callStore(`D1 audit_batches (${events.length})`, () => this.#db.batch(statements))
    return (claimed?.meta.changes ?? 0) > 0
  }

  /** Leaves out the messages that are stored, and replaces erased subjects. */
  async #readAgain(messages: readonly AuditMessage[]): Promise<AuditMessage[]> {
    const delivered = this.#db.prepare(SELECT_DELIVERED).bind(oldestOf(messages), idsOf(messages))
    const erased = this.#db.prepare(SELECT_ERASED).bind(JSON.stringify(subjectsOf(messages)))
    const [ids, erasures] = await callStore('D1 audit_deliveries', () => this.#db.batch([delivered, erased]))
    const stored = new Set(decodeRecord(deliveredSchema, 'deliveries', ids?.results).map(({ id }) => id))
    const pseudonyms = new Map(
      decodeRecord(erasedSchema, 'erasures', erasures?.results).map(({ subject, pseudonym }) => [
        subject,
        pseudonym,
      ]),
    )
    return messages
      .filter(({ id }) => !stored.has(id))
      .map((message) => ({ ...message, events: message.events.map((event) => erase(event, pseudonyms)) }))
  }

  /** Removes up to `limit` deliveries before a time, in Unix seconds. @returns how many @throws StorageUnavailable */
  async sweepDeliveries(before: number, limit: number): Promise<number> {
    const sweep = this.#db.prepare(SWEEP_DELIVERIES).bind(before, limit)
    const { meta } = await callStore('D1 audit_deliveries', () => sweep.run())
    return meta.changes
  }
}

function erase(event: BatchedEvent, pseudonyms: ReadonlyMap<string, string>): BatchedEvent {
  const pseudonym = pseudonyms.get(String(event.subject))
  return pseudonym === undefined ? event : withPseudonym(event, pseudonym)
}

function idsOf(messages: readonly AuditMessage[]): string {
  return JSON.stringify(messages.map(({ id }) => id))
}

/** Only later deliveries can have one of the messages. */
function oldestOf(messages: readonly AuditMessage[]): number {
  return messages.reduce((oldest, { at }) => Math.min(oldest, at), Infinity) - CLOCK_MARGIN_SECONDS
}

function subjectsOf(messages: readonly AuditMessage[]): unknown[] {
  const subjects = messages.flatMap(({ events }) => events.map(({ subject }) => subject))
  return [...new Set(subjects)].filter((subject) => subject !== undefined)
}
