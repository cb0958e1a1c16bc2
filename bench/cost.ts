import type { HttpAnswer } from './exchange.ts'

/** The store calls and the cryptographic operations of a request. */
export interface Cost {
  /** Round trips to D1: a statement or a batch. */
  d1Calls: number
  /** Round trips with at least one statement that writes. */
  d1WriteCalls: number
  /** Statements that read, alone or in a batch. */
  d1Reads: number
  d1Writes: number
  /** The units that D1 bills: rows read, and rows and index entries written. */
  d1RowsRead: number
  d1RowsWritten: number
  /** New rows without index entries; the sweep removes each of them later. */
  d1RowsAdded: number
  kvReads: number
  kvWrites: number
  /** Calls to session objects, without the runs of their alarms. */
  objectCalls: number
  objectRowsRead: number
  objectRowsWritten: number
  /** Messages to the queue of audit events. `Delivery` has the cost of the consumer. */
  queueMessages: number
  /** Password hashes. */
  argon2: number
  sha256: number
  signatures: number
  /** Verified signatures. */
  verifications: number
  logLines: number
}

export const NO_COST: Readonly<Cost> = {
  d1Calls: 0,
  d1WriteCalls: 0,
  d1Reads: 0,
  d1Writes: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  d1RowsAdded: 0,
  kvReads: 0,
  kvWrites: 0,
  objectCalls: 0,
  objectRowsRead: 0,
  objectRowsWritten: 0,
  queueMessages: 0,
  argon2: 0,
  sha256: 0,
  signatures: 0,
  verifications: 0,
  logLines: 0,
}

export const COST_NAMES = Object.keys(NO_COST) as (keyof Cost)[]

/** The result of the counting Worker: the server's response and its cost. */
export interface CountedResponse extends HttpAnswer {
  /** Work before the response. */
  before: Cost
  /** Work after the response: audit writes, repairs of copies. */
  after: Cost
}

export function subtractCost(total: Cost, part: Cost): Cost {
  const difference = { ...NO_COST }
  for (const name of COST_NAMES) difference[name] = total[name] - part[name]
  return difference
}

/** The path of the counting Worker that delivers messages: `?events=` in one delivery. */
export const DELIVERY_PATH = '/deliver'

/** One delivery of the queue of audit events. */
export interface Delivery {
  /** The number of messages, each with one event. */
  events: number
  cost: Cost
}
