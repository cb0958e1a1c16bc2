import type { Cost, CountedAnswer } from './cost.ts'
import type { HttpRequest, Send } from './exchange.ts'
import type { Operation } from './operations.ts'

export interface OperationCost {
  operation: string
  /** What the answer waits for. */
  before: Cost
  /** What is done beside it or later. */
  after: Cost
}

/** What one request of an operation costs a Worker that had one like it already. */
export async function countOperation(operation: Operation, send: Send): Promise<OperationCost> {
  const caller = await operation.open(async (request) => (await ask(send, request)).body)
  caller.accept((await ask(send, caller.next())).body)
  const { body, before, after } = await ask(send, caller.next())
  caller.accept(body)
  return { operation: operation.name, before, after }
}

async function ask(send: Send, request: HttpRequest): Promise<CountedAnswer> {
  const answer: CountedAnswer = JSON.parse(await send(request))
  if (answer.status === 200) return answer
  throw new Error(`${request.method} ${request.path} was answered with ${answer.status}: ${answer.body}`)
}
