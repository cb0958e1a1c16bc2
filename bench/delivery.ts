import type { AuditMessage } from '../src/audit/audit_message.ts'
import type { Env } from '../src/services/environment.ts'
import worker from '../src/worker.ts'
import { type Cost, type Delivery, subtractCost } from './cost.ts'

interface Counting {
  env: Env
  context: ExecutionContext
  /** The counts up to now. */
  total(): Cost
}

/** Delivers the last message as many messages of different visitors to the consumer, and responds with the cost. */
export async function deliver(
  request: Request,
  sent: readonly AuditMessage[],
  { env, context, total }: Counting,
): Promise<Response> {
  const last = sent.at(-1)
  if (last === undefined) throw new Error('the Worker sent no message')
  const events = Number(new URL(request.url).searchParams.get('events'))
  const bodies = Array.from({ length: events }, () => ofAnotherVisitor(last))
  const start = total()
  await worker.queue(batchOf(bodies), env, context)
  return Response.json({ events, cost: subtractCost(total(), start) } satisfies Delivery)
}

function ofAnotherVisitor(message: AuditMessage): AuditMessage {
  const random = () => crypto.randomUUID()
  const events = message.events.map((event) => ({
    ...event,
    subject: `visitor:${random()}`,
    sid: `s1.${random()}`,
  }))
  return { ...message, id: random(), events }
}

function batchOf(bodies: readonly AuditMessage[]): MessageBatch {
  const messages = bodies.map((body, i) => ({
    body,
    id: String(i),
    timestamp: new Date(),
    attempts: 1,
    ack() {},
    retry() {},
  }))
  return {
    messages,
    queue: 'sallyport-audit',
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll() {},
    retryAll() {},
  } as MessageBatch
}
