import * as z from 'zod/mini'
import type { EventCounts } from '../audit/audit_statistics_store.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { Services } from '../services/services.ts'
import { DATABASE_LIMIT_BYTES } from '../storage/database_size_store.ts'
import { type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'

const DEFAULT_MINUTES = 60
const MAX_MINUTES = 1440

/** The maximum number of buckets of a chart. */
const MAX_BUCKETS = 60

const counts = {
  /** The numbers by grant, with `guest` for guests. Each bucket has every grant of the span. */
  tokens: z.record(z.string(), z.int()),
  failures: z.int(),
  breached_passwords: z.int(),
  unchecked_passwords: z.int(),
  active_sessions: z.int(),
}

export const statisticsSchema = named(
  'Statistics',
  z.strictObject({
    from: z.int(),
    to: z.int(),
    bucket_seconds: z.int(),
    total: z.strictObject(counts),
    buckets: z.array(z.strictObject({ at: z.int(), ...counts })),
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
    'Returns tokens by grant, failures, breached passwords and active sessions of the last minutes in up to 60 buckets, and the sizes of the databases and the revocation feed',
  tag: 'audit',
  role: 'support',
  scope: 'statistics:read',
  query: z.strictObject({
    minutes: z.optional(
      z
        .int(`must be minutes, from 1 to ${MAX_MINUTES}`)
        .check(z.gte(1, 'must be at least 1'), z.lte(MAX_MINUTES, `must be at most ${MAX_MINUTES}`)),
    ),
  }),
  status: 200,
  response: statisticsSchema,
  async handle({ query, services, context }) {
    const { minutes = DEFAULT_MINUTES } = query
    const bucketSeconds = Math.ceil(minutes / MAX_BUCKETS) * 60
    const count = Math.ceil((minutes * 60) / bucketSeconds)
    // The last bucket includes the present, so that it shows new events.
    const to = (Math.floor(context.now / bucketSeconds) + 1) * bucketSeconds
    const from = to - count * bucketSeconds
    const [{ buckets, total }, sizes, feed] = await Promise.all([
      services.statistics.count({ from, to, bucketSeconds }),
      services.databaseSizes.readAll(),
      describeFeed(services, context),
    ])
    const known = new Map(buckets.map((bucket) => [bucket.at, bucket]))
    const grants = [...total.tokens.keys()].sort()
    const times = Array.from({ length: count }, (_, i) => from + i * bucketSeconds)
    return {
      body: {
        from,
        to,
        bucket_seconds: bucketSeconds,
        total: showCounts(total, grants),
        buckets: times.map((at) => ({ at, ...showCounts(known.get(at), grants) })),
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

async function describeFeed({ feed }: Services, context: RequestContext) {
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

function showCounts(counts: EventCounts | undefined, grants: readonly string[]) {
  return {
    tokens: Object.fromEntries(grants.map((grant) => [grant, counts?.tokens.get(grant) ?? 0])),
    failures: counts?.failures ?? 0,
    breached_passwords: counts?.breachedPasswords ?? 0,
    unchecked_passwords: counts?.uncheckedPasswords ?? 0,
    active_sessions: counts?.activeSessions ?? 0,
  }
}
