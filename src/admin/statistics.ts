import * as z from 'zod/mini'
import type { StatisticsSpan } from '../audit/audit_statistics_store.ts'
import type { EventCounts } from '../audit/event_counts.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { ManagementServices } from '../services/management_services.ts'
import { DATABASE_LIMIT_BYTES } from '../storage/database_size_store.ts'
import { type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'

const DEFAULT_MINUTES = 60
const MAX_MINUTES = 30 * 1440
const BAD_MINUTES = `must be minutes, from 1 to ${MAX_MINUTES}`

/** A longer time is counted by the hour. */
const MAX_MINUTES_BY_MINUTE = 1440

/** The maximum number of buckets of a chart. */
const MAX_BUCKETS = 60

const counts = {
  /** The numbers by grant, with `guest` for guests. Each bucket has every grant of the span and of the previous one. */
  tokens: z.record(z.string(), z.int()),
  failures: z.int(),
  /** Sessions that ended because an old refresh token was used again. */
  thefts: z.int(),
  breached_passwords: z.int(),
  unchecked_passwords: z.int(),
  active_sessions: z.int(),
}

/** The failures by cause. A cause without a failure is absent. */
const totalSchema = z.strictObject({ ...counts, failures_by_cause: z.record(z.string(), z.int()) })

export const statisticsSchema = named(
  'Statistics',
  z.strictObject({
    from: z.int(),
    to: z.int(),
    bucket_seconds: z.int(),
    /** The start of the oldest counters; null if there are none. Earlier events are not in the counts. */
    counted_since: z.nullable(z.int()),
    total: totalSchema,
    /** The same time before `from`, without the part that is still in the future at the end of the span. */
    previous: z.strictObject({ from: z.int(), to: z.int(), total: totalSchema }),
    buckets: z.array(z.strictObject({ at: z.int(), ...counts })),
    /** The accounts that are locked now. A locked username may be unknown. */
    locked_accounts: z.int(),
    /** Null if there is no key yet. */
    next_key_change: z.nullable(
      z.strictObject({
        /** The first signature of the next key. In the past, the change is overdue. */
        at: z.int(),
        published: z.boolean(),
      }),
    ),
    databases: z.array(
      z.strictObject({
        /** The binding in wrangler.toml. */
        name: z.string(),
        /** Null if the database does not respond. */
        bytes: z.nullable(z.int()),
        limit_bytes: z.int(),
        /** True if the size is at least 70 % of the limit. */
        nearly_full: z.boolean(),
      }),
    ),
    /** Null if a database does not respond. */
    revocation_feed: z.nullable(
      z.strictObject({
        entries: z.int(),
        max_entries: z.int(),
        /** Coarse entries that replaced finer ones. `client_id` is null for an entry of all tokens. */
        merged: z.array(z.strictObject({ client_id: z.nullable(z.string()), before: z.int() })),
      }),
    ),
  }),
)

const readStatistics = operation({
  id: 'readStatistics',
  method: 'GET',
  path: '/statistics',
  summary:
    'Returns tokens by grant, failures by cause, thefts, breached passwords and active sessions of the last minutes in up to 60 buckets and of the previous period, the locked accounts, the next key change, and the sizes of the databases and the revocation feed',
  tag: 'audit',
  role: 'support',
  scope: 'statistics:read',
  query: z.strictObject({
    minutes: z.optional(
      z.int(BAD_MINUTES).check(z.gte(1, 'must be at least 1'), z.lte(MAX_MINUTES, BAD_MINUTES)),
    ),
  }),
  status: 200,
  response: statisticsSchema,
  async handle({ query, services, context }) {
    const { span, previous } = planSpans(query.minutes ?? DEFAULT_MINUTES, context.now)
    const [counted, locked, keyChange, sizes, feed] = await Promise.all([
      services.statistics.count(span, previous),
      services.failures.countLocked(context.now),
      services.keyLife.nextChange(context),
      services.databaseSizes.readAll(),
      describeFeed(services, context),
    ])
    const { total, earlier, since } = counted
    const grants = [...new Set([...total.tokens.keys(), ...earlier.tokens.keys()])].sort()
    return {
      body: {
        from: span.from,
        to: span.to,
        bucket_seconds: span.bucketSeconds,
        counted_since: since,
        total: showTotal(total, grants),
        previous: { ...previous, total: showTotal(earlier, grants) },
        buckets: showBuckets(counted.buckets, span, grants),
        locked_accounts: locked,
        next_key_change: keyChange && { at: keyChange.at, published: keyChange.isPublished },
        databases: sizes.map(({ name, bytes, isNearlyFull: nearly_full }) => ({
          name,
          bytes,
          limit_bytes: DATABASE_LIMIT_BYTES,
          nearly_full,
        })),
        revocation_feed: feed,
      },
    }
  },
})

export const STATISTICS_OPERATIONS: readonly Operation[] = [readStatistics]

/**
 * The span of the last minutes, and the previous one. The last bucket includes the present, so that it shows new events. The previous
 * span ends as long after its start as the current minute or hour, so that both have the same length.
 */
function planSpans(minutes: number, now: number) {
  const unit = minutes > MAX_MINUTES_BY_MINUTE ? 'hour' : 'minute'
  const unitSeconds = unit === 'hour' ? 3600 : 60
  const units = Math.ceil((minutes * 60) / unitSeconds)
  const bucketSeconds = Math.ceil(units / MAX_BUCKETS) * unitSeconds
  const seconds = Math.ceil((units * unitSeconds) / bucketSeconds) * bucketSeconds
  const to = endOf(now, bucketSeconds)
  const from = to - seconds
  const span: StatisticsSpan = { from, to, bucketSeconds, unit }
  return { span, previous: { from: from - seconds, to: endOf(now, unitSeconds) - seconds } }
}

/** The end of the interval of a length that contains a time. */
function endOf(now: number, seconds: number): number {
  return (Math.floor(now / seconds) + 1) * seconds
}

async function describeFeed({ feed }: ManagementServices, context: RequestContext) {
  try {
    const { entries, maxEntries, merged } = await feed.describe(context)
    return {
      entries,
      max_entries: maxEntries,
      merged: merged.map(({ clientId, before }) => ({ client_id: clientId, before })),
    }
  } catch (error) {
    if (error instanceof StorageUnavailable) return null
    throw error
  }
}

/** Every bucket of a span, also those without an event. */
function showBuckets(
  buckets: readonly (EventCounts & { at: number })[],
  { from, to, bucketSeconds }: StatisticsSpan,
  grants: readonly string[],
) {
  const known = new Map(buckets.map((bucket) => [bucket.at, bucket]))
  const times = Array.from({ length: (to - from) / bucketSeconds }, (_, i) => from + i * bucketSeconds)
  return times.map((at) => ({ at, ...showCounts(known.get(at), grants) }))
}

function showTotal(total: EventCounts, grants: readonly string[]) {
  return { ...showCounts(total, grants), failures_by_cause: Object.fromEntries(total.failuresByCause) }
}

function showCounts(counts: EventCounts | undefined, grants: readonly string[]) {
  return {
    tokens: Object.fromEntries(grants.map((grant) => [grant, counts?.tokens.get(grant) ?? 0])),
    failures: counts?.failures ?? 0,
    thefts: counts?.thefts ?? 0,
    breached_passwords: counts?.breachedPasswords ?? 0,
    unchecked_passwords: counts?.uncheckedPasswords ?? 0,
    active_sessions: counts?.activeSessions ?? 0,
  }
}
