import { join } from 'node:path'
import { writeManagementConfig } from '../scripts/management_config.ts'
import { bundleService } from '../scripts/worker_bundle.ts'
import { makeTemporaryDirectory } from '../scripts/worker_server.ts'
import { QUIET_WRANGLER } from '../scripts/wrangler.ts'
import { measureBundle } from './bundle_size.ts'
import { CASES, type Case } from './cases.ts'
import { compareAll, compareDuringSignIns, compareFullWithEmpty, compareVerifier } from './comparisons.ts'
import { countCosts } from './count_costs.ts'
import { formatFeed, measureFeed } from './feed.ts'
import { measureMemory } from './memory.ts'
import { writeCosts, writeRecord } from './record.ts'
import { formatRevocationBound, measureRevocationBound } from './revocation_bound.ts'
import { startServers } from './servers.ts'
import { measureStartup } from './startup.ts'
import { formatMemory, formatSpeed, formatStart, type Starts } from './tables.ts'
import { countRowsOfUsers, measureWaits } from './waits.ts'

// Measures the service against baselines (the minimum work of each operation), and writes docs/performance.md with its
// chart and the tables of docs/cost.md. With names of operations it measures these, prints them and writes no file.
// `feed` measures the revocation feed, `bound` the delay of a revocation, `heap` the memory of an isolate, and `start` its start.
// `cost` counts store calls and rows, also with users in several databases, and writes docs/cost.md with the processor times of
// docs/performance.md.
// `verifier` measures an API with the verifier. `far` measures the waits for distant stores and writes their tables in docs/performance.md.

Object.assign(process.env, QUIET_WRANGLER, { WRANGLER_LOG: 'error' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const names = process.argv.slice(2)
if (names.length === 1 && names[0] === 'feed') {
  console.log(formatFeed(await measureFeed()))
  process.exit(0)
}
if (names.length === 1 && names[0] === 'bound') {
  console.log(formatRevocationBound(await measureRevocationBound()))
  process.exit(0)
}
if (names.length === 1 && names[0] === 'far') {
  measureWaits()
  process.exit(0)
}
const directory = makeTemporaryDirectory()
if (names.length === 1 && names[0] === 'cost') {
  writeCosts(await countCosts(directory))
  countRowsOfUsers()
  process.exit(0)
}
const bundle = await bundleService(join(directory, 'service'))
if (names.length === 1 && names[0] === 'heap') console.log(formatMemory(await measureMemory(bundle)))
else if (names.length === 1 && names[0] === 'start') console.log(formatStart(await measureStart()))
else if (names.length === 1 && names[0] === 'verifier')
  console.log(formatSpeed(await compareVerifier(await startServers(directory, bundle))))
else if (names.length > 0) await printSome(CASES.filter(({ operation }) => names.includes(operation.name)))
else await record()
// The servers stop when this process ends.
process.exit(0)

async function printSome(cases: readonly Case[]): Promise<void> {
  if (cases.length === 0) throw new Error(`there is: ${CASES.map((one) => one.operation.name).join(', ')}`)
  const servers = await startServers(directory, bundle)
  console.log(formatSpeed(await compareAll(cases, servers)))
}

async function record(): Promise<void> {
  const starts = await measureStart()
  const memory = await measureMemory(bundle)
  const counts = await countCosts(directory)
  const servers = await startServers(directory, bundle)
  const speed = [...(await compareAll(CASES, servers)), ...(await compareVerifier(servers))]
  const duringSignIns = await compareDuringSignIns(servers)
  const growing = CASES.filter((one) => one.isGrowing)
  const growth = await compareFullWithEmpty(growing, bundle)
  const feed = await measureFeed()
  const bound = await measureRevocationBound()
  writeRecord({ feed, bound, speed, duringSignIns, growth, ...counts, memory, ...starts })
}

async function measureStart(): Promise<Starts> {
  const { management } = bundle
  if (management === null) throw new Error('the bundle has no Worker of management')
  const config = writeManagementConfig()
  return {
    tokenService: { startupMs: await measureStartup(directory), size: measureBundle(bundle) },
    management: { startupMs: await measureStartup(directory, config), size: measureBundle(management) },
  }
}
