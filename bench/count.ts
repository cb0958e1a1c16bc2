import { setTimeout } from 'node:timers/promises'
import type { Cost, CountedResponse } from './cost.ts'
import { type HttpRequest, require200, type Send } from './exchange.ts'
import type { Operation } from './operations.ts'

export interface OperationCost {
  operation: string
  /** Work before the response. */
  before: Cost
  /** Work in parallel with the response or after it. */
  after: Cost
}

/** The number of callers for a count. A caller prepares less if there are many. */
const CALLERS = 256

/**
 * The cost of one request in a warm Worker. Every few seconds, a request also renews the list of changed records. Two requests in
 * turn cannot both do so, and the cheaper one counts.
 *
 * @param send Sends a request to the counting Worker.
 */
export async function countOperation(operation: Operation, send: Send): Promise<OperationCost> {
  const [first, second] = [await countOnce(operation, send), await countOnce(operation, send)]
  return callsOf(first) < callsOf(second) ? first : second
}

function callsOf({ before, after }: OperationCost): number {
  return before.d1Calls + after.d1Calls
}

async function countOnce(operation: Operation, send: Send): Promise<OperationCost> {
  const sendUncounted = async (request: HttpRequest) => readCounted(await require200(send, request))
  const caller = await operation.open(sendUncounted, CALLERS)
  const next = async () => {
    await setTimeout(operation.pauseMs ?? 0)
    const response = await ask(send, requireNext(caller.next()), operation.status)
    caller.accept(response.body, response.headers)
    return response
  }
  await next()
  const { before, after } = await next()
  return { operation: operation.name, before, after }
}

async function ask(send: Send, request: HttpRequest, status = 200): Promise<CountedResponse> {
  const response = readCounted(await require200(send, request))
  if (response.status === status) return response
  throw new Error(`${request.method} ${request.path} returned ${response.status}: ${response.body}`)
}

function readCounted(body: string): CountedResponse {
  return JSON.parse(body)
}

function requireNext(request: HttpRequest | null): HttpRequest {
  if (request === null) throw new Error('there is no second request to count')
  return request
}
