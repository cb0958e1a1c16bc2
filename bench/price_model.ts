import type { Delivery } from './cost.ts'
import type { OperationCost } from './count.ts'
import { dollarsBeyond, dollarsFor, PLAN_DOLLARS, USAGE_NAMES, type Usage } from './prices.ts'
import type { Habits, LargeStores, Shop } from './shop.ts'
import * as shop from './shop.ts'

/** The measurements that give the prices. */
export interface Measures {
  /** The counts with one database. */
  costs: readonly OperationCost[]
  /** The counts with session objects and the archive of audit events. */
  largeCosts: readonly OperationCost[]
  /** Deliveries of audit events to one database, by the number of partitions. */
  deliveries: ReadonlyMap<number, readonly Delivery[]>
  /** Processor time of an operation, with the stores in the same process. NaN if unknown. */
  cpuMs(operation: string): number
  /** Bytes of a row with its index entries. `batched_events` is one event in a row of `audit_batches`. */
  rowBytes: Record<'users' | 'sessions' | 'session_index' | 'audit_events' | 'batched_events', number>
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
  /** The fraction of time in which the main database is busy. */
  busy: number
  /** Calls a second to the busiest session object, if the load is equal; 0 without objects. */
  callsToAnObject: number
  auditEvents: number
  /** The audit trail in D1, with the index of the objects in R2. */
  auditGb: number
  /** The part of it in each database of `audit_databases`; 0 without them. */
  auditDatabaseGb: number
  /** The index of the sessions in objects. */
  indexGb: number
  /** The part of it in each database of `index_databases`; 0 without them. */
  indexDatabaseGb: number
  /** All tables of the main database that grow with the shop. */
  mainGb: number
  /** The audit trail in R2. */
  archiveGb: number
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

/** The memory that Cloudflare bills for an object. */
const OBJECT_GB = 0.128

/** A message is written, read and deleted. */
const OPERATIONS_A_MESSAGE = 3

const NOTHING = Object.fromEntries(USAGE_NAMES.map((name) => [name, 0])) as unknown as Usage

/** The use of one request, including the later removal of its rows. */
export function usageOf(
  { operation, before, after }: OperationCost,
  { cpuMs }: Pick<Measures, 'cpuMs'>,
): Usage {
  const added = before.d1RowsAdded + after.d1RowsAdded
  return {
    ...NOTHING,
    requests: 1,
    cpuMs: cpuMs(operation),
    logEvents: before.logLines + after.logLines,
    rowsRead: before.d1RowsRead + after.d1RowsRead + READS_TO_REMOVE * added,
    rowsWritten: before.d1RowsWritten + after.d1RowsWritten + added,
    objectRequests: before.objectCalls + after.objectCalls,
    objectRowsRead: before.objectRowsRead + after.objectRowsRead,
    objectRowsWritten: before.objectRowsWritten + after.objectRowsWritten,
    queueOperations: OPERATIONS_A_MESSAGE * (before.queueMessages + after.queueMessages),
  }
}

/**
 * The use of one audit event in deliveries of a size, including the later removal of the rows. Each audit database lists the messages
 * of a delivery in one more row (test/audit_archive/databases.test.ts).
 */
function usageOfEvent({ events, cost }: Delivery, databases: number): Usage {
  const each = (rows: number) => rows / events
  const added = cost.d1RowsAdded + databases
  return {
    ...NOTHING,
    rowsRead: each(cost.d1RowsRead + READS_TO_REMOVE * added),
    rowsWritten: each(cost.d1RowsWritten + databases + added),
  }
}

/** US dollars for a million, above the included amount. */
export function dollarsPerMillion(usage: Usage): number {
  return USAGE_NAMES.reduce((sum, name) => sum + dollarsFor(name, usage[name] * 1_000_000), 0)
}

export function billOf(one: Shop, measures: Measures): Bill {
  const habits = habitsOf(one)
  const costs = costsOf(one, measures)
  const { auditGb, archiveGb, sessionGb, usersGb, indexGb, feedEntries } = strainOf(one, measures)
  const usage = addUp([
    ...costs.map((cost) => [habits[cost.operation] ?? 0, usageOf(cost, measures)] as const),
    ...(one.large === null ? [] : largeUsage(one, one.large, measures)),
  ])
  // The counted polls had almost no entry.
  const entriesAPoll = (feedEntries / shop.PEAK) * shop.FEED_READ_SHARE
  usage.rowsRead += count(habits, ['revocation feed, read anew']) * entriesAPoll
  usage.storedGb = auditGb + usersGb + indexGb + (one.large === null ? sessionGb : 0)
  usage.objectStoredGb = one.large === null ? 0 : sessionGb
  usage.archiveStoredGb = archiveGb
  usage.kvReads = Math.min(2 * usage.requests, one.isolates * COPIES_A_MONTH)
  usage.kvWrites = feedWrites(one)
  const total = USAGE_NAMES.reduce((sum, name) => sum + dollarsBeyond(name, usage[name]), PLAN_DOLLARS)
  return { shop: one, usage, tokens: count(habits, shop.TOKENS), total }
}

/** The use of the consumer, of the archive and of objects that are in memory all month. */
function largeUsage(one: Shop, large: LargeStores, measures: Measures): (readonly [number, Usage])[] {
  const events = eventsOf(habitsOf(one), costsOf(one, measures))
  const delivery = deliveryOf(one, events / shop.MONTH_SECONDS, measures)
  const archived = { ...NOTHING, archiveWrites: 1, rowsRead: 1, rowsWritten: 2 }
  // An object with steady requests is in memory all month, and its alarm runs every few seconds.
  const objectMonth = {
    ...NOTHING,
    objectGbSeconds: OBJECT_GB * shop.MONTH_SECONDS,
    objectRequests: shop.MONTH_SECONDS / shop.ALARM_SECONDS,
    objectRowsWritten: shop.MONTH_SECONDS / shop.ALARM_SECONDS,
  }
  return [
    [events, usageOfEvent(delivery, large.databases)],
    [objectsInR2(events, large), archived],
    [large.objects, objectMonth],
  ]
}

/** One object for each partition and each move, and for each 20,000 events. */
function objectsInR2(events: number, { partitions, hotHours }: LargeStores): number {
  // Events move by whole days, and by whole hours if D1 has them for less than a day.
  const moves = 30 * (hotHours < 24 ? 24 : 1)
  return Math.max(moves * partitions, events / shop.EVENTS_OF_AN_OBJECT)
}

export function strainOf(one: Shop, measures: Measures): Strain {
  const { rowBytes } = measures
  const costs = costsOf(one, measures)
  const sumOf = (habits: Habits) => (of: (cost: OperationCost) => number) =>
    costs.reduce((total, cost) => total + (habits[cost.operation] ?? 0) * of(cost), 0)
  const month = habitsOf(one)
  const busiest = inTheBusiestSecond(one)
  const atPeak = sumOf(busiest)
  const eventsAtPeak = eventsOf(busiest, costs)
  const shared = one.large === null ? 0 : callsOfAlarms(one.large) + deliveriesOf(one, eventsAtPeak, measures)
  const auditWrites = atPeak(({ after }) => after.d1WriteCalls) + shared
  const sessionWrites = atPeak(({ before }) => before.d1WriteCalls)
  const reads = atPeak(({ before }) => before.d1Calls - before.d1WriteCalls)
  const events = one.large === null ? sumOf(month)(({ after }) => after.d1RowsAdded) : eventsOf(month, costs)
  const listed = count(busiest, shop.LISTED)
  const entries = Math.min(listed * one.accessTokenSeconds, shop.MAX_FEED_ENTRIES)
  return {
    shop: one,
    tokensASecond: count(busiest, shop.TOKENS),
    hashesASecond: count(busiest, ['sign-in of a guest', 'failed sign-in']),
    auditWritesASecond: auditWrites,
    sessionWritesASecond: sessionWrites,
    busy: ((auditWrites + sessionWrites) * shop.WRITE_MS + reads * shop.READ_MS) / 1000,
    callsToAnObject: one.large === null ? 0 : atPeak(({ before }) => before.objectCalls) / one.large.objects,
    auditEvents: events,
    ...sizesOf(one, events, rowBytes),
    feedEntries: entries,
    feedKb: (entries * shop.FEED_ENTRY_BYTES) / 1000,
    feedWritesASecond: one.instances * Math.min(listed, 1 / 60),
  }
}

/** The calls to the main database in a second: an alarm sends the changes of the index of a few seconds in one call. */
function callsOfAlarms({ objects, indexDatabases }: LargeStores): number {
  return indexDatabases === 0 ? objects / shop.ALARM_SECONDS : 0
}

function deliveriesOf(one: Shop, eventsASecond: number, measures: Measures): number {
  return eventsASecond / deliveryOf(one, eventsASecond, measures).events
}

/** The sizes of the tables that grow with a shop. */
function sizesOf(one: Shop, events: number, rowBytes: Measures['rowBytes']) {
  const { auditGb, archiveGb } = auditSizes(one, events, rowBytes)
  const sessions = count(habitsOf(one), ['first refresh', ...shop.ENDINGS])
  const sessionGb = gb(sessions * rowBytes.sessions)
  const indexGb = one.large === null ? 0 : gb(sessions * rowBytes.session_index)
  const usersGb = gb(one.visitors * one.accounts * rowBytes.users)
  const { databases, indexDatabases } = one.large ?? { databases: 0, indexDatabases: 0 }
  const ofSessions = one.large === null ? sessionGb : indexGb
  return {
    auditGb,
    archiveGb,
    sessionGb,
    indexGb,
    usersGb,
    auditDatabaseGb: databases === 0 ? 0 : auditGb / databases,
    indexDatabaseGb: indexDatabases === 0 ? 0 : indexGb / indexDatabases,
    mainGb: usersGb + (indexDatabases === 0 ? ofSessions : 0) + (databases === 0 ? auditGb : 0),
  }
}

/** D1 has the events of `hot_hours` and of an hour that the cron trigger moves. The busiest hours may follow one another. */
function auditSizes({ large }: Shop, eventsAMonth: number, rowBytes: Measures['rowBytes']) {
  const eventsADay = eventsAMonth / 30
  if (large === null)
    return { auditGb: gb(eventsADay * shop.AUDIT_DAYS * rowBytes.audit_events), archiveGb: 0 }
  const hot = (eventsADay / 24) * (large.hotHours + 1) * rowBytes.batched_events * peakOf(large)
  const archived = eventsADay * shop.AUDIT_DAYS * rowBytes.batched_events
  const index = (archived / shop.BLOCK_BYTES) * shop.BLOCK_ENTRY_BYTES
  return { auditGb: gb(hot + index), archiveGb: gb(archived) }
}

/** How many times the average the events of `hot_hours` can be. A whole day has the average. */
function peakOf({ hotHours }: LargeStores): number {
  return Math.max(1, Math.min(shop.PEAK, 24 / hotHours))
}

function costsOf({ large }: Shop, { costs, largeCosts }: Measures): readonly OperationCost[] {
  return large === null ? costs : largeCosts
}

/** The events that go through the queue. A message of the counts has one event. */
function eventsOf(habits: Habits, costs: readonly OperationCost[]): number {
  return costs.reduce((sum, { operation, before, after }) => {
    return sum + (habits[operation] ?? 0) * (before.queueMessages + after.queueMessages)
  }, 0)
}

/** The counted delivery with the next smaller number of events. */
function deliveryOf({ large }: Shop, eventsASecond: number, { deliveries }: Measures): Delivery {
  const counted = deliveries.get(large?.partitions ?? 0) ?? []
  const fitting = counted.filter(({ events }) => events <= Math.max(1, eventsASecond * shop.DELIVERY_SECONDS))
  const largest = fitting.reduce<Delivery | null>(
    (best, one) => (best && best.events > one.events ? best : one),
    null,
  )
  if (largest === null) throw new Error('there is no counted delivery for these partitions')
  return largest
}

function habitsOf({ visitors, instances, visitor }: Shop): Habits {
  return { ...times(shop.INSTANCE, instances), ...withPreflights(times(visitor, visitors)) }
}

/** The rate per second in the busiest hour. Instances poll at a constant rate. */
function inTheBusiestSecond(one: Shop): Habits {
  return times(habitsOf({ ...one, visitors: one.visitors * shop.PEAK }), 1 / shop.MONTH_SECONDS)
}

function times(habits: Habits, factor: number): Habits {
  return Object.fromEntries(Object.entries(habits).map(([name, often]) => [name, often * factor]))
}

function withPreflights(habits: Habits): Habits {
  return { ...habits, preflight: count(habits, Object.keys(habits)) }
}

function addUp(parts: readonly (readonly [number, Usage])[]): Usage {
  const total = { ...NOTHING }
  // A number of 0 skips an operation with an unknown processor time.
  for (const [often, one] of parts.filter(([often]) => often > 0))
    for (const name of USAGE_NAMES) total[name] += often * one[name]
  return total
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
