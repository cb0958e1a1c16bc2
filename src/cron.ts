import { eraseDueUsers } from './accounts/account_deletion.ts'
import { ORIGIN_SECONDS } from './accounts/known_origin_store.ts'
import { movedBefore } from './audit/event_partition.ts'
import { endWithdrawn } from './authorization/withdraw_consent.ts'
import { resealFactors } from './factors/reseal_factors.ts'
import { describeError, log } from './lib/log.ts'
import { type RequestContext, UNKNOWN_CALLER } from './lib/request_context.ts'
import { MAIN_DATABASE } from './services/environment.ts'
import type { MaintenanceServices } from './services/maintenance_services.ts'
import type { Services } from './services/services.ts'
import { eraseSessions } from './sessions/erase_sessions.ts'
import { BATCH_ROWS, type Sweepable, sweep } from './sessions/sweep.ts'
import { BROWSER_END_REASONS } from './signin/browser_session_store.ts'
import { endLeftSessions } from './signin/end_left_sessions.ts'
import { USER_CHANGE_SECONDS } from './storage/copy_ages.ts'
import { moveUserEvents } from './users/move_user_events.ts'
import { LEFT_ROWS } from './users/user_outbox_store.ts'

/** The most batches of users whose search texts one run fills. */
const FILL_BATCHES = 50

/** The most accounts that one run erases. The next run starts five minutes later. */
const MAX_ERASED = 50

/** The most objects of audit events that one run writes. */
const MAX_ARCHIVE_OBJECTS = 25

/** The most steps of erasures in the archive in one run. A step is a user, or a part of the events of a user. */
const MAX_ERASURE_STEPS = 50

/** The statements of such a step in each database, if no object has the user. */
const ERASURE_STATEMENTS = 3

/** The statements that find deleted users of one database, and remove their rows. */
const LEFT_STATEMENTS = 4

/** The statements that remove rows, and the id of the newest row. */
const STATEMENTS_WITH_NEWEST = 2

/** The statements that find events above the maximum, insert them as batches, and remove them. */
const OVERFLOW_STATEMENTS = 3

/** A run reads deleted users and withdrawn consents of this time, because a request in progress can write rows after the change. */
const RECENT_SECONDS = 3600

/** A run in the first seconds of an hour reads those of USER_CHANGE_SECONDS, because all runs of an hour can fail. */
const LONG_READS_SECONDS = 600

/** The queue delivers a message in this time, or drops it. */
const DELIVERY_SECONDS = 15 * 86_400

const DAY = 86_400

/** Minutes are for statistics of up to a day, hours for up to 30 days. Both are kept for the previous period too. */
const COUNTERS = [
  { table: 'audit_counters', unit: 'minute', keptSeconds: 2 * DAY },
  { table: 'audit_hour_counters', unit: 'hour', keptSeconds: 60 * DAY },
] as const

type CronServices = Services & MaintenanceServices

/** Runs the work of the cron trigger: creates and retires signing keys, merges the revocation feed, and removes rows. */
export async function runCron(
  services: CronServices,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<void> {
  const context = { ...UNKNOWN_CALLER, now: services.clock.now(), waitUntil }
  await services.keyLife.run(context)
  await resealFactors(services)
  await services.feed.keepWithinLimit(context.now)
  await rollUpCounters(services, context.now)
  await eraseAccounts(services, context)
  await moveUserEvents(services)
  await sweepStores(services)
  await archiveEvents(services, context.now)
  await fillSearchTexts(services)
}

/** Moves audit events to R2 after `hot_hours`, one object of each database in turn. After a failure in a database, the next run continues. */
async function archiveEvents({ auditStores, config }: CronServices, now: number): Promise<void> {
  const before = movedBefore(now, config.auditArchive?.hotSeconds ?? 0)
  const waiting = auditStores.flatMap(({ archive }) => archive ?? [])
  let events = 0
  for (let object = 0; object < MAX_ARCHIVE_OBJECTS; object++) {
    const archive = waiting.shift()
    if (archive === undefined) break
    try {
      const moved = await archive.moveNext(before, now)
      events += moved
      if (moved > 0) waiting.push(archive)
    } catch (error) {
      log('error', 'audit_not_archived', { events, cause: describeError(error) })
    }
  }
  if (events > 0) log('info', 'audit_archived', { events })
}

/** Adds the counters of ended hours. After a failure, the next run adds them. */
async function rollUpCounters({ statistics }: CronServices, now: number): Promise<void> {
  try {
    await statistics.rollUp(now)
  } catch (error) {
    log('error', 'counters_not_rolled_up', { cause: describeError(error) })
  }
}

/** Erases the accounts whose users asked for it 14 days ago. After a failure, the next run erases them. */
async function eraseAccounts(services: CronServices, context: RequestContext): Promise<void> {
  try {
    await eraseDueUsers(services, MAX_ERASED, context)
  } catch (error) {
    log('error', 'accounts_not_erased', { cause: describeError(error) })
  }
}

/** Fills the search texts of users from before the column, one batch after the other. A failure leaves the rest to the next run. */
async function fillSearchTexts({ userSearches }: CronServices): Promise<void> {
  for (const store of userSearches) await fillTexts(store)
}

async function fillTexts(store: CronServices['userSearches'][number]): Promise<void> {
  let filled = 0
  try {
    for (let batch = 0; batch < FILL_BATCHES; batch++) {
      const count = await store.fill(BATCH_ROWS)
      filled += count
      if (count < BATCH_ROWS) break
    }
  } catch (error) {
    log('error', 'search_texts_failed', { filled, cause: describeError(error) })
    return
  }
  if (filled > 0) log('info', 'search_texts_filled', { filled })
}

/** Removes expired rows from every database, and audit events past `audit_max_events`. */
export async function sweepStores(services: CronServices): Promise<void> {
  const sizes = await services.databaseSizes.readAndWarn()
  const needsRelief = sizes.some(({ name, needsRelief }) => name === MAIN_DATABASE && needsRelief)
  await sweep(sweepablesOf(services, { needsRelief }), services.clock)
}

/** The rows that one run removes. @param needsRelief Whether the main database is nearly full */
export function sweepablesOf(services: CronServices, { needsRelief }: { needsRelief: boolean }): Sweepable[] {
  const { shards, revocationStores, audit, statistics, consents, config, clock } = services
  const { metadataClients, auditStores } = services
  const now = clock.now()
  const expired = (table: string, store: ExpiringRows, before = now) => ({
    table,
    sweep: (limit: number) => store.sweep(before, limit),
  })
  const withdrawnRun = { now, after: now - recentSecondsAt(now), last: null }
  const leftRun = { now, last: null, unread: 0 }
  return [
    ...erasuresOf(services, now),
    ...shards.databases().map(({ sessions }) => expired('sessions', sessions)),
    ...[...revocationStores.values()].map((revocations) => ({
      ...expired('cutoffs', revocations),
      statements: STATEMENTS_WITH_NEWEST,
    })),
    {
      table: 'sessions (withdrawn consents)',
      statements: 1 + groupStatements(services),
      sweep: (limit: number) => endWithdrawn(services, withdrawnRun, limit),
    },
    {
      table: 'sessions (ended browser sessions)',
      statements:
        2 +
        LEFT_STATEMENTS * services.userOutboxes.length +
        BROWSER_END_REASONS.length * groupStatements(services),
      sweep: (limit: number) => endLeftSessions(services, leftRun, limit),
    },
    ...services.failureSweeps.map((store) => expired('sign_in_failures', store)),
    ...services.userChanges.map((store) => ({
      ...expired('user_changes', store, now - USER_CHANGE_SECONDS),
      statements: STATEMENTS_WITH_NEWEST,
    })),
    ...services.reservationSweeps.map((store) => expired('name_reservations', store)),
    expired('ended_browser_sessions', services.unfinishedEnds),
    { table: 'clients (of documents)', sweep: (limit: number) => metadataClients.sweep(now, limit) },
    { table: 'consents', sweep: (limit: number) => consents.sweepOfDeletedClients(limit) },
    ...COUNTERS.map(({ table, unit, keptSeconds }) => ({
      table,
      sweep: (limit: number) => statistics.sweep(unit, now - keptSeconds, limit),
    })),
    { ...expired('idempotency_keys', services.idempotency), statements: 1 + services.userOutboxes.length },
    expired('one_time_values', services.oneTime),
    expired('mail_budgets', services.mailBudgets),
    expired('known_origins', services.knownOriginStore, now - ORIGIN_SECONDS),
    expired('audit_events', audit, now - config.auditRetentionSeconds),
    ...eventsBeyond(services, needsRelief),
    ...auditStores.flatMap(({ batches, archive, erasures }) => [
      {
        table: 'audit_deliveries',
        sweep: (limit: number) => batches.sweepDeliveries(now - DELIVERY_SECONDS, limit),
      },
      {
        table: 'audit_archives',
        statements: 2,
        sweep: async (limit: number) =>
          (await archive?.sweep({ before: now - config.auditRetentionSeconds, now }, limit)) ?? 0,
      },
      expired('erasures', erasures),
    ]),
  ]
}

/** The audit events past `audit_max_events`. A theft, a revocation or a lock stays until twice as many newer events follow. */
function eventsBeyond({ audit, auditOverflow, config }: CronServices, needsRelief: boolean): Sweepable[] {
  const table = 'audit_events'
  const maxEvents = needsRelief ? Math.floor(config.auditMaxEvents / 2) : config.auditMaxEvents
  if (auditOverflow !== null) {
    const run = { after: 0 }
    const move = (limit: number) => auditOverflow.moveBeyond(maxEvents, limit, run)
    return [{ table, statements: OVERFLOW_STATEMENTS, sweep: move }]
  }
  return [
    { table, sweep: (limit) => audit.sweepBeyond(maxEvents, limit) },
    { table, sweep: (limit) => audit.sweepBeyond(2 * maxEvents, limit, true) },
  ]
}

/** The personal data of erased users. A merge adds guests to the erased users, so it comes first. */
function erasuresOf(services: CronServices, now: number): Sweepable[] {
  const { auditErasure, erasures, shards, userOutboxes } = services
  const sessionsRun = { last: null, failed: new Map() }
  return [
    ...userOutboxes.map((outbox) => {
      const page = { recentSeconds: recentSecondsAt(now), before: Number.MAX_SAFE_INTEGER }
      return {
        table: LEFT_ROWS,
        statements: LEFT_STATEMENTS,
        sweep: (limit: number) => outbox.removeLeft(page, limit),
      }
    }),
    {
      table: 'audit_events (merges of erased users)',
      statements: 2,
      sweep: (limit) => auditErasure.eraseMerges(limit),
    },
    { table: 'audit_events (erased users)', sweep: (limit) => auditErasure.eraseSubjects(limit) },
    { table: 'audit_events (erased operators)', sweep: (limit) => auditErasure.eraseActors(limit) },
    archiveErasureOf(services),
    {
      table: 'sessions (erased users)',
      statements: 1 + groupStatements(services),
      sweep: (limit) => eraseSessions({ erasures, shards }, sessionsRun, limit),
    },
  ]
}

/** The age of the oldest deletions and withdrawals that a run reads, in seconds. */
function recentSecondsAt(now: number): number {
  return now % 3600 < LONG_READS_SECONDS ? USER_CHANGE_SECONDS : RECENT_SECONDS
}

/** The statements that find sessions in every shard and in every database of the index, and change their rows. */
function groupStatements({ shards, config }: CronServices): number {
  const indexes = 1 + (config.sessionObjects?.indexDatabases.length ?? 0)
  return 2 * (shards.databases().length + indexes)
}

/** The erasure in batches and objects, of a number of users. A failure for one user does not stop the others. */
function archiveErasureOf({ archiveErasure, auditStores, clock }: CronServices): Sweepable {
  const table = 'audit_batches (erased users)'
  const run = { after: '', statements: 0 }
  let steps = 0
  const sweep = async () => {
    if (steps++ === MAX_ERASURE_STEPS) return 0
    const { after, statements } = run
    let hasMore = true
    try {
      hasMore = await archiveErasure.eraseNext(clock.now(), run)
    } catch (error) {
      if (run.after === after) throw error
      log('error', 'sweep_failed', { table, removed: 0, cause: describeError(error) })
    }
    return { removed: Number(hasMore), hasMore, statements: run.statements - statements }
  }
  return { table, statements: 2 + ERASURE_STATEMENTS * auditStores.length, sweep }
}

interface ExpiringRows {
  /** Removes up to `limit` rows that expired before a time. @returns how many */
  sweep(before: number, limit: number): Promise<number>
}
