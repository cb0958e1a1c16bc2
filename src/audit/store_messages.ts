import { describeError, log } from '../lib/log.ts'
import type { AuditDeliveryStore } from './audit_delivery_store.ts'
import { type AuditMessage, messageSchema } from './audit_message.ts'

/** A message as the queue delivers it. `attempts` begins with 1. */
export interface QueuedMessage {
  readonly body: unknown
  readonly attempts: number
  ack(): void
  retry(options: { delaySeconds: number }): void
}

/** The databases that the consumer stores messages in. */
export type AuditDeliveries = Pick<AuditDeliveryStore, 'hasDatabasesOf' | 'store'>

const FIRST_DELAY_SECONDS = 5
const LONGEST_DELAY_SECONDS = 3600

/** Whether a message is of the queue of audit events. A sealed mail is a text. */
export function isAuditMessage({ body }: Pick<QueuedMessage, 'body'>): boolean {
  return typeof body === 'object'
}

/**
 * Stores the events of messages. If D1 fails, the queue delivers all of them again. A message of a version that this one does not
 * understand stays in the queue. Never throws.
 */
export async function storeMessages(
  queued: readonly QueuedMessage[],
  batches: AuditDeliveries,
  now: number,
): Promise<void> {
  const read = queued.map((message) => ({ message, content: readMessage(message, batches) }))
  try {
    await batches.store(
      read.flatMap(({ content }) => content ?? []),
      now,
    )
  } catch (error) {
    const attempts = Math.max(...queued.map((message) => message.attempts))
    const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempts - 1))
    const facts = { messages: queued.length, attempts, delaySeconds, cause: describeError(error) }
    log('error', 'audit_delayed', facts)
    for (const message of queued) message.retry({ delaySeconds })
    return
  }
  for (const { message, content } of read) {
    if (content === null) message.retry({ delaySeconds: LONGEST_DELAY_SECONDS })
    else message.ack()
  }
}

/**
 * The content of a message; null if a later version of the Worker sent it, or a version whose config.yml lists other databases. A
 * version that reads it stores it later. In the main database, a later delivery of it would not find the events and store them again.
 */
function readMessage({ body }: QueuedMessage, batches: AuditDeliveries): AuditMessage | null {
  const { success, data } = messageSchema.safeParse(body)
  if (success && batches.hasDatabasesOf(data)) return data
  log('error', 'audit_message_unreadable', { databases: data?.databases?.join(' ') })
  return null
}
