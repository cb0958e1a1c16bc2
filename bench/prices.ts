/** The billed units of a shop in a month. */
export interface Usage {
  requests: number
  cpuMs: number
  logEvents: number
  rowsRead: number
  rowsWritten: number
  storedGb: number
  kvReads: number
  kvWrites: number
  /** Calls of a Durable Object and runs of its alarm. */
  objectRequests: number
  /** The time in which an object is in memory, for 128 MB. */
  objectGbSeconds: number
  objectRowsRead: number
  objectRowsWritten: number
  objectStoredGb: number
  /** Writes, reads and deletions of messages, for each 64 KB. */
  queueOperations: number
  /** R2 operations that write or list. */
  archiveWrites: number
  archiveStoredGb: number
}

export interface Price {
  title: string
  /** A number of units and their price in US dollars. */
  unit: number
  dollars: number
  /** The units that the plan includes in a month. */
  included: number
  source: string
  /** The date of the last change that the price page states. */
  changed: string
}

/** The date of these prices. */
export const PRICED_ON = '2026-11-30'

/** The monthly minimum of the Workers Paid plan, in US dollars. */
export const PLAN_DOLLARS = 5

const MILLION = 1_000_000
const WORKERS = 'https://developers.cloudflare.com/workers/platform/pricing/'
const LOGS = 'https://developers.cloudflare.com/workers/observability/logs/workers-logs/'
const D1 = 'https://developers.cloudflare.com/d1/platform/pricing/'
const KV = 'https://developers.cloudflare.com/kv/platform/pricing/'
const OBJECTS = 'https://developers.cloudflare.com/durable-objects/platform/pricing/'
const QUEUES = 'https://developers.cloudflare.com/queues/platform/pricing/'
const R2 = 'https://developers.cloudflare.com/r2/pricing/'
const UNKNOWN = 'not stated'

/** The prices of the Workers Paid plan. */
export const PRICES: Readonly<Record<keyof Usage, Price>> = {
  requests: price('Workers, requests', 0.3, 10 * MILLION, WORKERS),
  cpuMs: price('Workers, CPU ms', 0.02, 30 * MILLION, WORKERS),
  logEvents: { ...price('Workers Logs, events', 0.6, 20 * MILLION, LOGS), changed: '2026-08-11' },
  rowsRead: price('D1, rows read', 0.001, 25_000 * MILLION, D1),
  rowsWritten: price('D1, rows written', 1, 50 * MILLION, D1),
  storedGb: { ...price('D1, GB stored', 0.75, 5, D1), unit: 1 },
  kvReads: price('KV, reads', 0.5, 10 * MILLION, KV),
  kvWrites: price('KV, writes', 5, MILLION, KV),
  objectRequests: price('Durable Objects, requests', 0.15, MILLION, OBJECTS),
  objectGbSeconds: price('Durable Objects, GB-seconds', 12.5, 400_000, OBJECTS),
  objectRowsRead: price('Durable Objects, rows read', 0.001, 25_000 * MILLION, OBJECTS),
  objectRowsWritten: price('Durable Objects, rows written', 1, 50 * MILLION, OBJECTS),
  objectStoredGb: { ...price('Durable Objects, GB stored', 0.2, 5, OBJECTS), unit: 1 },
  queueOperations: price('Queues, operations', 0.4, MILLION, QUEUES),
  archiveWrites: price('R2, writes', 4.5, MILLION, R2),
  archiveStoredGb: { ...price('R2, GB stored', 0.015, 10, R2), unit: 1 },
}

export const USAGE_NAMES = Object.keys(PRICES) as (keyof Usage)[]

function price(title: string, dollars: number, included: number, source: string): Price {
  return { title, unit: MILLION, dollars, included, source, changed: UNKNOWN }
}

/** The price of an amount without an included amount. */
export function dollarsFor(name: keyof Usage, amount: number): number {
  const { unit, dollars } = PRICES[name]
  return (amount / unit) * dollars
}

/** The price of an amount in a month. */
export function dollarsBeyond(name: keyof Usage, amount: number): number {
  return dollarsFor(name, Math.max(0, amount - PRICES[name].included))
}
