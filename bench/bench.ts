import { join } from 'node:path'
import { bundleWorker } from '../scripts/worker_bundle.ts'
import {
  makeTemporaryDirectory,
  startScript,
  startService,
  type WorkerServer,
} from '../scripts/worker_server.ts'
import { QUIET_WRANGLER } from '../scripts/wrangler.ts'
import { measureBundle } from './bundle_size.ts'
import { countOperation, type OperationCost } from './count.ts'
import { sender } from './exchange.ts'
import { compare, type Result, type Round, summarize } from './load.ts'
import { OPERATIONS } from './operations.ts'
import { formatCosts, formatResults } from './tables.ts'

// Prints how fast the service is beside a Worker that answers a constant, and what each kind of request does.
// docs/performance.md explains the tables.

const CONCURRENCIES = [1, 32]

/** The least that a Worker can do: the ceiling of this way of running one. */
const CONSTANT_WORKER = `export default { fetch: () => Response.json({ status: 'ok' }) }`

Object.assign(process.env, QUIET_WRANGLER, { WRANGLER_LOG: 'error' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const directory = makeTemporaryDirectory()
const service = await bundleWorker(join(directory, 'service'))
const countingWorker = await bundleWorker(join(directory, 'counting'), 'bench/counting_worker.ts')
const results = await withServer(startScript(CONSTANT_WORKER), (ceiling) =>
  withServer(startService(service), (subject) => measure(ceiling, subject)),
)
const costs = await withServer(startService(countingWorker), count)
const { kib, gzippedKib } = measureBundle(service)
console.log(`${formatResults(results)}

${formatCosts(costs)}

The upload: ${kib.toFixed(0)} KiB, gzipped ${gzippedKib.toFixed(0)} KiB`)

async function withServer<T>(start: Promise<WorkerServer>, work: (origin: string) => Promise<T>): Promise<T> {
  const { origin, close } = await start
  try {
    return await work(origin)
  } finally {
    await close()
  }
}

async function measure(ceilingOrigin: string, subjectOrigin: string): Promise<Result[]> {
  const results: Result[] = []
  for (const concurrency of CONCURRENCIES) {
    const subjects: Result[] = []
    const ceilingRounds: Round[] = []
    for (const operation of OPERATIONS) {
      console.error(`${operation.name}, ${concurrency} at once`)
      const senders = { ceiling: sender(ceilingOrigin), subject: sender(subjectOrigin) }
      const { ceiling, subject } = await compare(operation, senders, concurrency)
      ceilingRounds.push(...ceiling)
      subjects.push(subject)
      for (const { close } of Object.values(senders)) close()
    }
    results.push(summarize('constant', concurrency, { rounds: ceilingRounds, ratio: 1 }), ...subjects)
  }
  return results
}

async function count(origin: string): Promise<OperationCost[]> {
  const send = sender(origin)
  const costs: OperationCost[] = []
  for (const operation of OPERATIONS) costs.push(await countOperation(operation, send))
  send.close()
  return costs
}
