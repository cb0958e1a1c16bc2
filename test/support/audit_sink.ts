import { env } from 'cloudflare:workers'
import { afterAll, beforeAll } from 'vitest'
import type { AuditMessage } from '../../src/audit/audit_message.ts'
import { type AuditDeliveries, type QueuedMessage, storeMessages } from '../../src/audit/store_messages.ts'
import { type AuditLayout, selectEverywhere } from './audit_databases.ts'
import { TestServer } from './server.ts'

/** The outcome of a delivery of one message. */
export interface Delivered {
  isAcknowledged: boolean
  delaySeconds: number | null
}

/** The queue of audit events of a test. Its messages wait until the test delivers them. */
export class AuditSink {
  readonly messages: AuditMessage[] = []

  readonly queue = {
    send: async (message: AuditMessage) => {
      // The queue carries JSON.
      this.messages.push(JSON.parse(JSON.stringify(message)))
    },
  }

  /** Delivers bodies as the Worker does, in one batch. */
  static async deliver(
    bodies: readonly unknown[],
    { auditBatches, clock }: { auditBatches: AuditDeliveries; clock: { now(): number } },
    attempts = 1,
  ): Promise<Delivered[]> {
    const outcomes = bodies.map((): Delivered => ({ isAcknowledged: false, delaySeconds: null }))
    const queued = outcomes.map(
      (outcome, i): QueuedMessage => ({
        body: bodies[i],
        attempts,
        ack: () => {
          outcome.isAcknowledged = true
        },
        retry: ({ delaySeconds }) => {
          outcome.delaySeconds = delaySeconds
        },
      }),
    )
    await storeMessages(queued, auditBatches, clock.now())
    return outcomes
  }

  /** Delivers all waiting messages. */
  flush(server: TestServer): Promise<Delivered[]> {
    return AuditSink.deliver(this.messages.splice(0), server.services)
  }
}

export const ARCHIVE = { audit_archive: { partitions: 4, hot_hours: 72 } }

let layout: AuditLayout['config'] = {}

/** Sets where the servers of all tests of a `describe` store events. */
export function useLayout({ config }: AuditLayout): void {
  beforeAll(() => {
    layout = config
  })
  afterAll(() => {
    layout = {}
  })
}

/** A server with the archive of audit events, and its queue. */
export function archiveServer({
  config = {},
  ...changes
}: {
  config?: Record<string, unknown>
  env?: Partial<Cloudflare.Env>
} = {}): { server: TestServer; sink: AuditSink } {
  const sink = new AuditSink()
  const server = new TestServer({
    config: { ...ARCHIVE, ...layout, ...config },
    env: { AUDIT_QUEUE: sink.queue, ...changes.env },
  })
  return { server, sink }
}

/** The events of all batches in D1, in the order of their times. */
export async function batchedEvents(): Promise<Record<string, unknown>[]> {
  const rows = await selectEverywhere<{ value: string }>(
    'SELECT value FROM audit_batches, json_each(audit_batches.events)',
  )
  return rows.map(({ value }) => JSON.parse(value)).sort((a, b) => a.at - b.at || a.id - b.id)
}

/** The sum of each counter of all minutes. */
export async function countedEvents(): Promise<Record<string, number>> {
  const { results } = await env.DB.prepare(
    'SELECT key, sum(value) AS total FROM audit_counters, json_each(counts) GROUP BY key',
  ).all<{ key: string; total: number }>()
  return Object.fromEntries(results.map(({ key, total }) => [key, total]))
}
