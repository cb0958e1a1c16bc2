import { join } from 'node:path'
import { configureBundle } from '../scripts/configure_bundle.ts'
import { bundleWorker } from '../scripts/worker_bundle.ts'
import { startService } from '../scripts/worker_server.ts'
import { CASES, PRICED } from './cases.ts'
import { DELIVERY_PATH, type Delivery } from './cost.ts'
import { countOperation, type OperationCost } from './count.ts'
import { get, require200, type Send, sender } from './exchange.ts'
import { measureBatchedEvent, measureRows } from './million.ts'
import type { Operation } from './operations.ts'
import type { Measures } from './price_model.ts'
import { prepareOperations } from './servers.ts'
import { DELIVERIES, SHOPS } from './shop.ts'

/** The counted calls and rows of one run. */
export interface Counts extends Pick<Measures, 'largeCosts' | 'deliveries' | 'rowBytes'> {
  costs: readonly OperationCost[]
  /** Operations that are counted only for their price. */
  priced: readonly OperationCost[]
}

/** The operations of the service. Those of another server have no prices of their own. */
const OPERATIONS = CASES.filter(({ server }) => server === undefined).map(({ operation }) => operation)
const PRICED_OPERATIONS = PRICED.map(({ operation }) => operation)

/** Counts all operations with one database, and those of a visitor with session objects and the archive of audit events. */
export async function countCosts(directory: string): Promise<Counts> {
  const bundle = await bundleWorker(join(directory, 'counting'), 'bench/counting_worker.ts')
  const service = await startService(bundle, FILLED)
  const send = sender(service.origin)
  const costs = await countAll(OPERATIONS, send)
  const priced = await countAll(PRICED_OPERATIONS, send)
  const rowBytes = await measureRows(service.stores)
  await service.close()
  return { costs, priced, ...(await countLarge(bundle, rowBytes)) }
}

const FILLED = { fill: prepareOperations, hasLargeBudgets: true }

async function countLarge(
  bundle: Parameters<typeof configureBundle>[0],
  rowBytes: Awaited<ReturnType<typeof measureRows>>,
): Promise<Pick<Counts, 'largeCosts' | 'deliveries' | 'rowBytes'>> {
  const names = new Set(SHOPS.flatMap(({ visitor }) => Object.keys(visitor)))
  const visited = [...OPERATIONS, ...PRICED_OPERATIONS].filter(
    ({ name }) => names.has(name) || isOfInstance(name),
  )
  const deliveries = new Map<number, readonly Delivery[]>()
  let largeCosts: readonly OperationCost[] = []
  let batched_events = 0
  for (const partitions of new Set(SHOPS.flatMap(({ large }) => large?.partitions ?? []))) {
    const keys = { session_objects: { per_market: 1 }, audit_archive: { partitions } }
    const service = await startService(configureBundle(bundle, keys), FILLED)
    const send = sender(service.origin)
    largeCosts = await countAll(visited, send)
    const counted = []
    for (const events of DELIVERIES) counted.push(await countDelivery(events, send))
    deliveries.set(partitions, counted)
    batched_events = await measureBatchedEvent(service.stores, (events) => countDelivery(events, send))
    await service.close()
  }
  return { largeCosts, deliveries, rowBytes: { ...rowBytes, batched_events } }
}

function isOfInstance(name: string): boolean {
  return ['preflight', 'machine token', 'JWKS', 'revocation feed, read anew'].includes(name)
}

async function countAll(operations: readonly Operation[], send: Send): Promise<OperationCost[]> {
  const costs = []
  for (const operation of operations) costs.push(await countOperation(operation, send))
  return costs
}

async function countDelivery(events: number, send: Send): Promise<Delivery> {
  return JSON.parse(await require200(send, get(`${DELIVERY_PATH}?events=${events}`)))
}
