import type { OperationCost } from './count.ts'
import { dollarsBeyond, dollarsFor, PLAN_DOLLARS, USAGE_NAMES, type Usage } from './prices.ts'
import type { Habits, Shop } from './shop.ts'
import * as shop from './shop.ts'

/** The measurements that give the prices. */
export interface Measures {
  costs: readonly OperationCost[]
  /** Processor time of an operation, with the stores in the same process. NaN if unknown. */
  cpuMs(operation: string): number
  /** Bytes of a row with its index entries. */
  rowBytes: { users: number; sessions: number; audit_events: number }
}

/** The use and the price of a shop in a month. */
export interface Bill {
  shop: Shop
  usage: Usage
  tokens: number
  /** US dollars. */
  total: number
}

/** The values of a shop that have a limit. Values per second are those of the busiest hour. */
export interface Strain {
  shop: Shop
  tokensASecond: number
  hashesASecond: number
  auditWritesASecond: number
  sessionWritesASecond: number
  /** The fraction of time in which the main database is busy, if it also has the sessions. */
  busy: number
  auditEvents: number
  auditGb: number
  sessionGb: number
  usersGb: number
  feedEntries: number
  feedKb: number
  /** KV allows one write a second for a key. */
  feedWritesASecond: number
}

/** The removal of a row writes one row and reads about three. */
const READS_TO_REMOVE = 3

/** In a minute an isolate reads the copy of a client twice and the copy of the keys once. */
const COPIES_A_MONTH = (3 * shop.MONTH_SECONDS) / 60

/** The use of one request, including the later removal of its rows. */
export function usageOf({ operation, before, after }: OperationCost, { cpuMs }: Measures): Usage {
  const added = before.d1RowsAdded + after.d1RowsAdded
  return {
    requests: 1,
    cpuMs: cpuMs(operation),
    logEvents: before.logLines + after.logLines,
    rowsRead: before.d1RowsRead + after.d1RowsRead + READS_TO_REMOVE * added,
    rowsWritten: before.d1RowsWritten + after.d1RowsWritten + added,
    storedGb: 0,
    kvReads: 0,
    kvWrites: 0,
  }
}

/** US dollars for a million, above the included amount. */
export function dollarsPerMillion(usage: Usage): number {
  return USAGE_NAMES.reduce((sum, name) => sum + dollarsFor(name, usage[name] * 1_000_000), 0)
}

export function billOf(one: Shop, measures: Measures): Bill {
  const habits = habitsOf(one)
  const usage = addUp(habits, measures)
  const { auditGb, sessionGb, usersGb, feedEntries } = strainOf(one, measures)
  // The counted polls had almost no entry.
  const entriesAPoll = (feedEntries / shop.PEAK) * shop.FEED_READ_SHARE
  usage.rowsRead += count(habits, ['revocation feed, read anew']) * entriesAPoll
  usage.storedGb = auditGb + sessionGb + usersGb
  usage.kvReads = Math.min(2 * usage.requests, one.isolates * COPIES_A_MONTH)
  usage.kvWrites = feedWrites(one)
  const total = USAGE_NAMES.reduce((sum, name) => sum + dollarsBeyond(name, usage[name]), PLAN_DOLLARS)
  return { shop: one, usage, tokens: count(habits, shop.TOKENS), total }
}

export function strainOf(one: Shop, { costs, rowBytes }: Measures): Strain {
  const sumOf = (habits: Habits) => (of: (cost: OperationCost) => number) =>
    costs.reduce((total, cost) => total + (habits[cost.operation] ?? 0) * of(cost), 0)
  const month = habitsOf(one)
  const busiest = inTheBusiestSecond(one)
  const atPeak = sumOf(busiest)
  const auditWrites = atPeak(({ after }) => after.d1WriteCalls)
  const sessionWrites = atPeak(({ before }) => before.d1WriteCalls)
  const reads = atPeak(({ before }) => before.d1Calls - before.d1WriteCalls)
  const auditEvents = sumOf(month)(({ after }) => after.d1RowsAdded)
  const listed = count(busiest, shop.LISTED)
  const entries = Math.min(listed * shop.ACCESS_TOKEN_SECONDS, shop.MAX_FEED_ENTRIES)
  return {
    shop: one,
    tokensASecond: count(busiest, shop.TOKENS),
    hashesASecond: count(busiest, ['sign-in of a guest', 'failed sign-in']),
    auditWritesASecond: auditWrites,
    sessionWritesASecond: sessionWrites,
    busy: ((auditWrites + sessionWrites) * shop.WRITE_MS + reads * shop.READ_MS) / 1000,
    auditEvents,
    auditGb: gb(auditEvents * (shop.AUDIT_DAYS / 30) * rowBytes.audit_events),
    sessionGb: gb(count(month, ['first refresh', ...shop.ENDINGS]) * rowBytes.sessions),
    usersGb: gb(one.visitors * shop.ACCOUNTS * rowBytes.users),
    feedEntries: entries,
    feedKb: (entries * shop.FEED_ENTRY_BYTES) / 1000,
    feedWritesASecond: one.instances * Math.min(listed, 1 / 60),
  }
}

function habitsOf({ visitors, instances }: Shop): Habits {
  return { ...times(shop.INSTANCE, instances), ...withPreflights(times(shop.VISITOR, visitors)) }
}

/** The rate per second in the busiest hour. Instances poll at a constant rate. */
function inTheBusiestSecond({ visitors, instances }: Shop): Habits {
  const busy = habitsOf({ visitors: visitors * shop.PEAK, instances, isolates: 0 })
  return times(busy, 1 / shop.MONTH_SECONDS)
}

function times(habits: Habits, factor: number): Habits {
  return Object.fromEntries(Object.entries(habits).map(([name, often]) => [name, often * factor]))
}

function withPreflights(habits: Habits): Habits {
  return { ...habits, preflight: count(habits, Object.keys(habits)) }
}

function addUp(habits: Habits, measures: Measures): Usage {
  const total = { ...NOTHING }
  for (const cost of measures.costs) {
    const one = usageOf(cost, measures)
    const often = habits[cost.operation] ?? 0
    if (often > 0) for (const name of USAGE_NAMES) total[name] += often * one[name]
  }
  return total
}

const NOTHING: Usage = {
  requests: 0,
  cpuMs: 0,
  logEvents: 0,
  rowsRead: 0,
  rowsWritten: 0,
  storedGb: 0,
  kvReads: 0,
  kvWrites: 0,
}

/** A poll makes its isolate write the copy of a changed list, at most once a minute. */
function feedWrites(one: Shop): number {
  return one.instances * Math.min(count(habitsOf(one), shop.LISTED), shop.MONTH_SECONDS / 60)
}

function count(habits: Habits, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (habits[name] ?? 0), 0)
}

function gb(bytes: number): number {
  return bytes / 1e9
}
