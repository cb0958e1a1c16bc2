/** The events of one row of `audit_batches` are in a time of this length. */
export const SLOT_SECONDS = 600

export const DAY_SECONDS = 86_400

const HOUR_SECONDS = 3600

/** The most partitions is 2 to this power. */
const MAX_BITS = 12

/** config.yml can list as many databases of audit events. */
const DATABASE_PARTS = 16

/** The members of an event that select its partition. */
type PartitionedEvent = Readonly<Record<string, unknown>>

/**
 * The partition of an event: `partitions` + the last bits of a hash of its subject, or of its client or session without one. So the
 * number of a partition also names how many there are.
 *
 * @param partitions A power of two.
 */
export function partitionOf({ subject, client_id, sid }: PartitionedEvent, partitions: number): number {
  return partitions + (hash(String(subject ?? client_id ?? sid ?? '')) & (partitions - 1))
}

/**
 * The database of an event: one of `databases` by 16 parts of the same hash. With 16 partitions or more, all events of a partition are
 * in one database. Undefined without databases.
 */
export function databaseOf(event: PartitionedEvent, databases: readonly string[]): string | undefined {
  return databases[(partitionOf(event, DATABASE_PARTS) - DATABASE_PARTS) % databases.length]
}

/** The partitions that can have the events of a subject: one for each number of partitions that was configured at some time. */
export function partitionsOf(subject: string): number[] {
  return Array.from({ length: MAX_BITS + 1 }, (_, bits) => partitionOf({ subject }, 2 ** bits))
}

/** How many partitions there were when an event got this partition. */
export function countOfPartitions(partition: number): number {
  return 2 ** Math.floor(Math.log2(partition))
}

export function slotOf(at: number): number {
  return at - (at % SLOT_SECONDS)
}

/** The time before which events move to R2, in Unix seconds. They move by whole days, and by whole hours if D1 has them for less than a day. */
export function movedBefore(now: number, hotSeconds: number): number {
  const unit = hotSeconds < DAY_SECONDS ? HOUR_SECONDS : DAY_SECONDS
  return now - (now % unit) - hotSeconds
}

export function dayOf(at: number): number {
  return at - (at % DAY_SECONDS)
}

/** FNV-1a with 32 bits. Ids of subjects are random, so it needs no key. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return (value ^ (value >>> 15)) >>> 0
}
