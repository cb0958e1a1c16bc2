import { MAIN_DATABASE } from './services/environment.ts'
import type { Services } from './services/services.ts'
import { sweep } from './sessions/sweep.ts'

/** Longer than the period of the statistics, which is one day. */
const COUNTERS_KEPT_SECONDS = 2 * 86_400

/** Runs the work of the cron trigger: creates and retires signing keys, merges the revocation feed, and removes rows. */
export async function runCron(
  services: Services,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<void> {
  const context = {
    now: services.clock.now(),
    addressPrefix: null,
    address: null,
    continent: null,
    waitUntil,
  }
  await services.keyLife.run(context)
  await services.feed.keepWithinLimit(context.now)
  await sweepStores(services)
}

/** Removes expired rows from every database, and audit events past `audit_max_events`. */
export async function sweepStores(services: Services): Promise<void> {
  const { shards, revocationStores, audit, statistics, failures, databaseSizes, config, clock } = services
  const sizes = await databaseSizes.readAndWarn()
  const needsRelief = sizes.some(({ name, needsRelief }) => name === MAIN_DATABASE && needsRelief)
  const maxEvents = needsRelief ? Math.floor(config.auditMaxEvents / 2) : config.auditMaxEvents
  const now = clock.now()
  const expired = (table: string, store: ExpiringRows, before = now) => ({
    table,
    sweep: (limit: number) => store.sweep(before, limit),
  })
  const sweepables = [
    ...shards.all().map(({ sessions }) => expired('sessions', sessions)),
    ...[...revocationStores.values()].map((revocations) => expired('cutoffs', revocations)),
    expired('sign_in_failures', failures),
    expired('audit_counters', statistics, now - COUNTERS_KEPT_SECONDS),
    expired('audit_events', audit, now - config.auditRetentionSeconds),
    { table: 'audit_events', sweep: (limit: number) => audit.sweepBeyond(maxEvents, limit) },
  ]
  await sweep(sweepables, clock)
}

interface ExpiringRows {
  /** Removes up to `limit` rows that expired before a time. @returns how many */
  sweep(before: number, limit: number): Promise<number>
}
