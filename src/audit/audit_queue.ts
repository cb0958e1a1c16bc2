import { describeError, log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'
import type { AuditDeliveryStore } from './audit_delivery_store.ts'
import type { AuditEntry } from './audit_entry.ts'
import { type AuditMessage, messagesOf } from './audit_message.ts'

/** The binding of the queue (`AUDIT_QUEUE`). */
export interface AuditQueueBinding {
  send(message: AuditMessage): Promise<unknown>
}

/** Sends events to the queue. If the queue refuses a message, the isolate stores its events in D1 as the consumer does. */
export class AuditQueue {
  readonly #queue: AuditQueueBinding
  readonly #batches: Pick<AuditDeliveryStore, 'store'>
  readonly #databases: readonly string[]

  /** @param databases The databases of new events, by their bindings. Empty: the main database. */
  constructor(
    queue: AuditQueueBinding,
    batches: Pick<AuditDeliveryStore, 'store'>,
    databases: readonly string[],
  ) {
    this.#queue = queue
    this.#batches = batches
    this.#databases = databases
  }

  /** Sends entries, for work after the response. Never throws: events are lost if the queue and D1 fail. */
  async send(entries: readonly AuditEntry[], now: number): Promise<void> {
    const messages = messagesOf(entries, { now, databases: this.#databases })
    await Promise.all(messages.map((message) => this.#send(message, now)))
  }

  async #send(message: AuditMessage, now: number): Promise<void> {
    try {
      await callStore('audit queue', () => this.#queue.send(message))
    } catch (error) {
      log('warn', 'audit_not_queued', { events: message.events.length, cause: describeError(error) })
      await this.#storeNow(message, now)
    }
  }

  /** The message has the same id. So if the queue took it and only its response was lost, the consumer stores nothing. */
  async #storeNow(message: AuditMessage, now: number): Promise<void> {
    try {
      await this.#batches.store([message], now)
    } catch (error) {
      log('error', 'audit_lost', { events: message.events.length, cause: describeError(error) })
    }
  }
}
