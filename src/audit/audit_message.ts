import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { type AuditEntry, rowOf } from './audit_entry.ts'
import { DAILY_KINDS } from './audit_event.ts'
import { type CountsOfMinute, countsOf } from './event_counters.ts'

/** The members of an event that are not null, by the names of the columns of `audit_events`, with its id. */
export interface BatchedEvent {
  id: number
  at: number
  [column: string]: string | number
}

/** A message of `AUDIT_QUEUE`: events that an isolate collected. */
export interface AuditMessage {
  /** Random, so that a message that arrives twice is stored once. */
  id: string
  /** When the isolate sent the message, in Unix seconds. */
  at: number
  events: readonly BatchedEvent[]
  counts: readonly CountsOfMinute[]
  /**
   * The databases of the events (`databaseOf`). The message names them, so that each delivery of it uses the same ones. A consumer
   * without one of them leaves the message in the queue. Absent or empty: the main database.
   */
  databases?: readonly string[] | undefined
}

export const batchedEventSchema: z.ZodMiniType<BatchedEvent> = z.intersection(
  z.object({ id: z.int(), at: z.int() }),
  z.record(z.string(), z.union([z.string(), z.number()])),
)

export const messageSchema: z.ZodMiniType<AuditMessage> = z.object({
  id: z.string(),
  at: z.int(),
  events: z.array(batchedEventSchema),
  counts: z.array(z.object({ minute: z.int(), counts: z.record(z.string(), z.int()) })),
  databases: z.optional(z.array(z.string())),
})

/** The queue delivers a message in this time, or drops it. */
export const DELIVERY_SECONDS = 15 * 86_400

/** The most events of a message. A message has at most 128 KB. */
const MAX_EVENTS = 100

/** Ids of batched events begin here. `audit_events` gives smaller ones. */
const FIRST_ID = 2 ** 52
const RANDOM_IDS = 2 ** 40
const SEQUENCE = 2 ** 12

let sequence = 0

/** Whether events of this kind go to the queue. All others stay rows of `audit_events`, where each list finds them by an index. */
export function isBatched({ event }: AuditEntry): boolean {
  return DAILY_KINDS.includes(event.kind)
}

/** Makes the messages of entries. @param place The time in Unix seconds, and the databases of the events. */
export function messagesOf(
  entries: readonly AuditEntry[],
  { now, databases }: { now: number; databases: readonly string[] },
): AuditMessage[] {
  const messages: AuditMessage[] = []
  for (let start = 0; start < entries.length; start += MAX_EVENTS) {
    const part = entries.slice(start, start + MAX_EVENTS)
    const events = part.map((entry) => toBatched({ ...rowOf(entry), id: makeEventId(), at: entry.at }))
    messages.push({ id: randomId(12), at: now, events, counts: countsOf(part), databases })
  }
  return messages
}

/** The members that are not null. */
export function toBatched({
  id,
  at,
  ...row
}: { id: number; at: number } & Readonly<Record<string, string | number | null>>): BatchedEvent {
  const members = Object.entries(row).flatMap(([column, value]) => (value === null ? [] : [[column, value]]))
  return { id, at, ...Object.fromEntries(members) }
}

/** A new id. Events of one isolate in one second are in the order of their ids. */
function makeEventId(): number {
  sequence = (sequence + 1) % SEQUENCE
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2))
  return FIRST_ID + sequence * RANDOM_IDS + (high % 256) * 2 ** 32 + low
}
