import type { AuditStore } from '../audit/audit_store.ts'
import { describeError, log } from '../lib/log.ts'
import { type CutoffStore, oldestListed } from './cutoff_store.ts'
import type { SessionShards } from './session_shards.ts'

/** One statement removes no more than this, so that no sweep holds up a sign-in. */
const BATCH_ROWS = 500

/**
 * One run removes no more than this many batches of each kind; the next run goes on. That is 36 million rows a month, more
 * than a database can hold for 30 days. D1 takes a thousand statements from one run.
 */
const MAX_BATCHES = 100

/** A store whose rows say themselves when they are done. */
interface Sweepable {
  sweep(now: number, limit: number): Promise<number>
}

interface Dependencies {
  shards: SessionShards
  /** Every database that lists cut-offs. */
  cutoffs: readonly CutoffStore[]
  audit: AuditStore
  /** What failed sign-ins are counted in. */
  failures: Sweepable
  /** How long a cut-off is listed. */
  cutoffWindowSeconds: number
  auditRetentionSeconds: number
}

/** Removes what nobody can need any more: sessions, cut-offs and audit events, in bounded batches. */
export async function sweep(
  { shards, cutoffs, audit, failures, ...ages }: Dependencies,
  now: number,
): Promise<void> {
  for (const { sessions } of shards.all()) await sweepOne('sessions', (limit) => sessions.sweep(now, limit))
  const madeBefore = oldestListed(now, ages.cutoffWindowSeconds)
  for (const store of cutoffs) await sweepOne('cutoffs', (limit) => store.sweep(madeBefore, limit))
  await sweepOne('sign_in_failures', (limit) => failures.sweep(now, limit))
  await sweepOne('audit_events', (limit) => audit.sweep(now - ages.auditRetentionSeconds, limit))
}

/** A table that cannot be swept does not keep the others from it. */
async function sweepOne(table: string, removeBatch: (limit: number) => Promise<number>): Promise<void> {
  let removed = 0
  try {
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const count = await removeBatch(BATCH_ROWS)
      removed += count
      if (count < BATCH_ROWS) break
    }
    log('info', 'swept', { table, removed })
  } catch (error) {
    log('error', 'sweep_failed', { table, removed, cause: describeError(error) })
  }
}
