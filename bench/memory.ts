import type { Bundle } from '../scripts/worker_bundle.ts'
import { startService } from '../scripts/worker_server.ts'
import { get } from './exchange.ts'
import { HeapInspector } from './heap.ts'
import { MACHINE_TOKEN, type Operation, SIGN_IN_OPERATION } from './operations.ts'
import { type Measured, start } from './servers.ts'

/** The memory of one isolate, in MiB. */
export interface Memory {
  /** After a first token. */
  heapAtFirstMib: number
  /** After `TOKENS` more and a garbage collection. */
  heapAfterTokensMib: number
  /** With a full queue of sign-ins. */
  heapWhileQueueingMib: number
  /** Growth of the process since the first token, including Argon2id and garbage. */
  growthMib: number | null
}

export const TOKENS = 20_000
const SIGN_INS = 64
const CALLERS = 32

export async function measureMemory(bundle: Bundle): Promise<Memory> {
  const service = await start(startService(bundle, { inspect: true }))
  const { server, workerd } = service
  if (server.inspector === null) throw new Error('there is no inspector')
  const heap = await HeapInspector.open(server.inspector, () => service.send(get('/health')))
  await ask(service, MACHINE_TOKEN, 1, 1)
  const heapAtFirstMib = await heap.usedMib()
  const residentAtFirst = workerd?.residentMib() ?? null
  await ask(service, MACHINE_TOKEN, CALLERS, TOKENS / CALLERS)
  const heapAfterTokensMib = await heap.usedMib()
  const signIns = ask(service, SIGN_IN_OPERATION, SIGN_INS, 1)
  const heapWhileQueueingMib = await heap.usedMib()
  await signIns
  const growthMib = residentAtFirst === null ? null : (workerd?.residentMib() ?? 0) - residentAtFirst
  heap.close()
  await server.close()
  return { heapAtFirstMib, heapAfterTokensMib, heapWhileQueueingMib, growthMib }
}

async function ask(
  { send }: Measured,
  operation: Operation,
  callerCount: number,
  requestCount: number,
): Promise<void> {
  const callers = await Promise.all(
    Array.from({ length: callerCount }, () => operation.open(send, callerCount)),
  )
  await Promise.all(
    callers.map(async (caller) => {
      for (let i = 0; i < requestCount; i++) {
        const request = caller.next()
        if (request !== null) await send(request)
      }
    }),
  )
}
