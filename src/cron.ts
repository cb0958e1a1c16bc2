import { DELETION_STATEMENTS, eraseDueUsers } from './accounts/account_deletion.ts'
import { ORIGIN_SECONDS } from './accounts/known_origin_store.ts'
import { erasureStatements } from './audit/archive_erasure_store.ts'
import { DELIVERY_SECONDS } from './audit/audit_message.ts'
import { movedBefore } from './audit/event_partition.ts'
import { endWithdrawn } from './authorization/withdraw_consent.ts'
import { resealFactors } from './factors/reseal_factors.ts'
import { describeError, log } from './lib/log.ts'
import { type RequestContext, UNKNOWN_CALLER } from './lib/request_context.ts'
import { CorruptRecord } from './lib/storage_error.ts'
import { MAIN_DATABASE } from './services/environment.ts'
import type { MaintenanceServices } from './services/maintenance_services.ts'
import type { Services } from './services/services.ts'
import { eraseSessions } from './sessions/erase_sessions.ts'
import { BROWSER_END_REASONS } from './signin/browser_session_store.ts'
import { endLeftSessions } from './signin/end_left_sessions.ts'
import { USER_CHANGE_SECONDS } from './storage/copy_ages.ts'
import { type Sweepable, sweep } from './storage/sweep.ts'
import { moveSweepOf } from './users/move_user_events.ts'
import { LEFT_ROWS } from './users/user_outbox_store.ts'
import { FILL_STATEMENTS } from './users/user_search_store.ts'

/** The most objects of audit events that one run writes. */
const MAX_ARCHIVE_OBJECTS = 25

/** The most steps of erasures in the archive in one run. A step is a user, or a part of the events of a user. */
const MAX_ERASURE_STEPS = 50

/** The statements that find deleted users of one database, and remove their rows. */
const LEFT_STATEMENTS = 4

/** The statements that remove rows, and the id of the newest row. */
const STATEMENTS_WITH_NEWEST = 2

/** The statements that read the revocations of a database, merge them, and read them again, if they merge to one. */
const FEED_STATEMENTS = 6

/** The statements that find and read batches, reserve an object, list it, and remove the batches. */
const ARCHIVE_STATEMENTS = 5

/** The statements that find events above the maximum, insert them as batches, and remove them. */
const OVERFLOW_STATEMENTS = 3

/** A run reads deleted users and withdrawn consents of this time, because a request in progress can write rows after the change. */
const RECENT_SECONDS = 3600

/** A run in the first seconds of an hour reads those of USER_CHANGE_SECONDS, because all runs of an hour can fail. */
const LONG_READS_SECONDS = 600

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
  await sweepStores(services, context)
}

/** Adds the counters of ended hours. After a failure, the next run adds them. */
async function rollUpCounters({ statistics }: CronServices, now: number): Promise<void> {
  try {
    await statistics.rollUp(now)
  } catch (error) {
    log('error', 'counters_not_rolled_up', { cause: describeError(error) })
  }
}

/** Does all work on rows: moves, erases and removes them in every database. */
export async function sweepStores(services: CronServices, context: RequestContext): Promise<void> {
  const sizes = await services.databaseSizes.readAndWarn()
  const needsRelief = sizes.some(({ name, needsRelief }) => name === MAIN_DATABASE && needsRelief)
  const sent = sizes.length + FEED_STATEMENTS * services.revocationStores.size
  await sweep(sweepablesOf(services, { needsRelief, context }), services.clock, sent)
}

/** The accounts whose users asked for their erasure 14 days ago. */
function accountsOf(services: CronServices, context: RequestContext): Sweepable {
  const run = { last: null }
  return {
    table: 'users (deletion due)',
    statements: DELETION_STATEMENTS,
    sweep: () => eraseDueUsers(services, run, context),
    logFailure: (cause) => log('error', 'accounts_not_erased', { cause }),
  }
}

/** The audit events that move to R2 after `hot_hours`, one object of each database in turn. */
function archivesOf({ auditStores, config }: CronServices, now: number): Sweepable[] {
  const before = movedBefore(now, config.auditArchive?.hotSeconds ?? 0)
  let objects = 0
  return auditStores.flatMap(({ archive }) => {
    if (archive === null) return []
    let events = 0
    const run = { from: {} }
    const move = async () => {
      if (objects++ >= MAX_ARCHIVE_OBJECTS) return { removed: 0, hasMore: false, statements: 0 }
      try {
        const removed = await archive.moveNext(before, now, run)
        events += removed
        if (removed > 0) log('info', 'audit_archived', { events: removed })
        return { removed, hasMore: removed > 0 }
      } catch (error) {
        if (!(error instanceof CorruptRecord)) throw error
        return { removed: 0, hasMore: true, failures: [error] }
      }
    }
    const logFailure = (cause: string) => log('error', 'audit_not_archived', { events, cause })
    return [{ table: 'audit_batches (archive)', statements: ARCHIVE_STATEMENTS, sweep: move, logFailure }]
  })
}

/** The search texts of users from before the column. */
function searchTextsOf({ userSearches }: CronServices): Sweepable[] {
  return userSearches.map((store) => {
    const run = { after: '' }
    let filled = 0
    const fill = async (limit: number) => {
      const swept = await store.fill(run, limit)
      filled += swept.removed
      if (swept.removed > 0) log('info', 'search_texts_filled', { filled: swept.removed })
      return swept
    }
    const logFailure = (cause: string) => log('error', 'search_texts_failed', { filled, cause })
    return { table: 'users (search texts)', statements: FILL_STATEMENTS, sweep: fill, logFailure }
  })
}

interface RunOptions {
  /** Whether the main database is nearly full. */
  needsRelief: boolean
  context: RequestContext
}

/** The parts of the work of one run. */
export function sweepablesOf(services: CronServices, { needsRelief, context }: RunOptions): Sweepable[] {
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
    ...services.userOutboxes.map(moveSweepOf),
    accountsOf(services, context),
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
    ...archivesOf(services, now),
    ...searchTextsOf(services),
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
    try {
      const hasMore = await archiveErasure.eraseNext(clock.now(), run)
      return { removed: Number(hasMore), hasMore, statements: run.statements - statements }
    } catch (error) {
      if (run.after === after) throw error
      return { removed: 0, hasMore: true, statements: run.statements - statements, failures: [error] }
    }
  }
  return { table, statements: erasureStatements(auditStores.length), sweep }
}

interface ExpiringRows {
  /** Removes up to `limit` rows that expired before a time. @returns how many */
  sweep(before: number, limit: number): Promise<number>
}
