import type { AuditBatchStore } from './audit_batch_store.ts'
import type { AuditMessage } from './audit_message.ts'
import { databaseOf } from './event_partition.ts'

/** The stores of batches, by the names of their databases. */
interface Batches {
  main: Pick<AuditBatchStore, 'store'>
  others: ReadonlyMap<string, Pick<AuditBatchStore, 'store'>>
}

/**
 * Stores the events of messages in the databases that each message names, and the counters in the main database. Each database lists
 * the messages that it has. So after a failure in one of them, the caller repeats the call, and no part is stored twice.
 */
export class AuditDeliveryStore {
  readonly #batches: Batches

  constructor(batches: Batches) {
    this.#batches = batches
  }

  /** Whether config.yml lists all databases that a message names. */
  hasDatabasesOf({ databases = [] }: AuditMessage): boolean {
    return databases.every((database) => this.#batches.others.has(database))
  }

  /**
   * Stores messages. The main database is the last one: if it lists a message, all other databases have their events.
   *
   * @param messages Their databases are listed (`hasDatabasesOf`).
   * @throws StorageUnavailable
   */
  async store(messages: readonly AuditMessage[], now: number): Promise<void> {
    const { main, others } = this.#batches
    const stored = [...others].map(([name, batches]) => {
      const parts = messages.map((message) => ({
        ...partOf(message, (database) => database === name),
        counts: [],
      }))
      return batches.store(parts.filter(hasContent), now)
    })
    await Promise.all(stored)
    const isMain = (database: string | undefined) => database === undefined
    await main.store(messages.map((message) => partOf(message, isMain)).filter(hasContent), now)
  }
}

/** A message with the events of some databases. */
function partOf(message: AuditMessage, isIncluded: (database: string | undefined) => boolean): AuditMessage {
  const { databases = [], events } = message
  return { ...message, events: events.filter((event) => isIncluded(databaseOf(event, databases))) }
}

function hasContent({ events, counts }: AuditMessage): boolean {
  return events.length + counts.length > 0
}
