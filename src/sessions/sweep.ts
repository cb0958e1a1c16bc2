import { describeError, log } from '../lib/log.ts'

/** One statement removes no more than this, so that no sweep holds up a sign-in. */
const BATCH_ROWS = 500

/**
 * One run removes no more than this many batches of a table; the next run goes on. That is 36 million rows a month, more
 * than a database can hold for 30 days.
 */
const MAX_BATCHES = 100

/** Of all tables together: D1 takes a thousand statements from one run, and the audit trail comes last. */
const MAX_STATEMENTS = 900

interface Sweepable {
  /** Removes up to `limit` rows that are done by a moment. Returns how many. */
  sweep(before: number, limit: number): Promise<number>
}

/** One table of one database. */
interface Swept {
  table: string
  /** Unix seconds. */
  before: number
  store: Sweepable
}

interface Dependencies {
  shards: { all(): readonly { sessions: Sweepable }[] }
  /** Every database that lists cut-offs. */
  cutoffs: readonly Sweepable[]
  audit: Sweepable
  /** What failed sign-ins are counted in. */
  failures: Sweepable
  auditRetentionSeconds: number
}

/** Removes what nobody can need any more: sessions, cut-offs and audit events, in bounded batches. */
export async function sweep(
  { shards, cutoffs, audit, failures, auditRetentionSeconds }: Dependencies,
  now: number,
): Promise<void> {
  const tables: Swept[] = [
    ...shards.all().map(({ sessions }) => ({ table: 'sessions', before: now, store: sessions })),
    ...cutoffs.map((store) => ({ table: 'cutoffs', before: now, store })),
    { table: 'sign_in_failures', before: now, store: failures },
    { table: 'audit_events', before: now - auditRetentionSeconds, store: audit },
  ]
  const maxBatches = Math.min(MAX_BATCHES, Math.floor(MAX_STATEMENTS / tables.length))
  for (const swept of tables) await sweepOne(swept, maxBatches)
}

/** A table that cannot be swept does not keep the others from it. */
async function sweepOne({ table, before, store }: Swept, maxBatches: number): Promise<void> {
  let removed = 0
  try {
    for (let batch = 0; batch < maxBatches; batch++) {
      const count = await store.sweep(before, BATCH_ROWS)
      removed += count
      if (count < BATCH_ROWS) break
    }
    log('info', 'swept', { table, removed })
  } catch (error) {
    log('error', 'sweep_failed', { table, removed, cause: describeError(error) })
  }
}
