import * as z from 'zod/mini'
import { encodeUtf8 } from '../lib/bytes.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { EVENT_COLUMNS } from './audit_entry.ts'
import { type BatchedEvent, batchedEventSchema } from './audit_message.ts'
import { countOfPartitions } from './event_partition.ts'
import { decodeEvents, type StoredAuditEvent } from './stored_event.ts'

/** A search reads at least one block of this size. */
const BLOCK_BYTES = 64 * 1024

/** The first subject of a block, and the offset of its first byte in the object. */
export type Block = readonly [subject: string, offset: number]

export const blocksSchema = z.array(z.tuple([z.string(), z.int()]))

/** An object of the archive: one event in JSON in each line, in the order of subject, time and id. */
export interface ArchiveObject {
  body: Uint8Array
  blocks: Block[]
}

/** The name of an object in the bucket. @param id Unique among the objects of the day and the partition */
export function nameOfObject({ partition, day }: { partition: number; day: number }, id: string): string {
  const count = countOfPartitions(partition)
  const date = new Date(day * 1000).toISOString().slice(0, 10)
  return `audit/${date}/${partition - count}-of-${count}/${id}.ndjson`
}

/**
 * The id of the object or batch that replaces another one. It sorts after the name of the other object (`.v` after `.ndjson`, then by
 * a number) or the id of the other batch, so an export that has read up to the other one reads it too.
 *
 * @param name The name of the object, or the id of the batch
 * @param random Unique among the runs that replace it at the same time
 */
export function idOfSuccessor(name: string, random: string): string {
  const [id = '', version = ''] = name.slice(name.lastIndexOf('/') + 1).split('.')
  const number = Number(/^v(\d{6})-/.exec(version)?.[1] ?? 0) + 1
  return `${id}.v${String(number).padStart(6, '0')}-${random}`
}

export function formatObject(events: readonly BatchedEvent[]): ArchiveObject {
  const sorted = [...events].sort(
    (a, b) => compareTexts(subjectOf(a), subjectOf(b)) || a.at - b.at || a.id - b.id,
  )
  const blocks: Block[] = []
  const lines: Uint8Array[] = []
  let offset = 0
  for (const event of sorted) {
    const [, begin] = blocks.at(-1) ?? ['', -BLOCK_BYTES]
    if (offset - begin >= BLOCK_BYTES) blocks.push([subjectOf(event), offset])
    const line = encodeUtf8(`${JSON.stringify(event)}\n`)
    lines.push(line)
    offset += line.byteLength
  }
  const body = new Uint8Array(offset)
  let at = 0
  for (const line of lines) {
    body.set(line, at)
    at += line.byteLength
  }
  return { body, blocks }
}

/** The bytes of an object that can have events of a subject; null if it has none. */
export function rangeOf(
  { blocks, bytes }: { blocks: readonly Block[]; bytes: number },
  subject: string,
): { offset: number; length: number } | null {
  // The events of the subject can begin in a block whose first event is of an earlier subject.
  const [, offset] = blocks.findLast(([first]) => compareTexts(first, subject) < 0) ?? blocks[0] ?? ['', 0]
  const [, end] = blocks.find(([first]) => compareTexts(first, subject) > 0) ?? ['', bytes]
  return end > offset ? { offset, length: end - offset } : null
}

/** The events of whole lines. @throws CorruptRecord */
export function parseLines(name: string, text: string): BatchedEvent[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => decodeRecord(batchedEventSchema, name, parseJsonColumn(name, line)))
}

/** @throws CorruptRecord */
export function toStored(events: readonly BatchedEvent[]): StoredAuditEvent[] {
  const empty = Object.fromEntries(EVENT_COLUMNS.map((column) => [column, null]))
  return decodeEvents(events.map((event) => ({ ...empty, ...event })))
}

function subjectOf({ subject = '' }: BatchedEvent): string {
  return String(subject)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
