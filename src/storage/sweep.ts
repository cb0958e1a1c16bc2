import type { Clock } from '../lib/clock.ts'
import { describeError, log } from '../lib/log.ts'

/** The most rows that one statement removes. D1 runs one statement at a time, so a sign-in may wait for it. */
export const BATCH_ROWS = 1000

/** A Worker can send 1000 statements to D1 in one run. The signing keys and the second factors need some of them. */
export const MAX_STATEMENTS = 900

/** A run ends before the next run starts. The cron trigger starts a run every five minutes. */
const MAX_SECONDS = 240

/** Expired rows of one table in one database. */
export interface Sweepable {
  table: string
  /** The most statements that one call sends, if more than one. */
  statements?: number
  /** Logs the cause of a failure. Without it the log has `sweep_failed`. */
  logFailure?(cause: string): void
  /** Removes up to `limit` rows. @returns how many: with `limit` or more, rows may be left */
  sweep(limit: number): Promise<number | Swept>
}

/** The outcome of a call that reads one page of a list. */
export interface Swept {
  removed: number
  /** Whether another call in the same run can remove more rows. */
  hasMore: boolean
  /** The statements that the call sent, if they can be fewer than those of `Sweepable`. */
  statements?: number
  /** The errors of rows that the call left to the next run. */
  failures?: readonly unknown[]
}

interface Progress extends Sweepable {
  removed: number
  /** Whether rows are left because of an error. */
  hasFailed: boolean
}

/**
 * Removes expired rows, one batch of each table in turn. A run stops when it has used its statements or its time. The next
 * run removes the rest. A failure in one table does not stop the others.
 *
 * @param sent The statements that the run has sent before.
 */
export async function sweep(sweepables: readonly Sweepable[], clock: Clock, sent = 0): Promise<void> {
  const begunAt = clock.now()
  const queue: Progress[] = sweepables.map((part) => ({ ...part, removed: 0, hasFailed: false }))
  const unfinished: Progress[] = []
  let total = sent
  while (clock.now() - begunAt < MAX_SECONDS) {
    const next = queue.shift()
    if (next === undefined) break
    const { statements = 1 } = next
    if (total + statements > MAX_STATEMENTS) {
      unfinished.push(next)
      continue
    }
    const swept = await sweepBatch(next)
    total += swept.statements ?? statements
    if (swept.hasMore) queue.push(next)
    else if (next.hasFailed) unfinished.push(next)
    else log('info', 'swept', { table: next.table, removed: next.removed })
  }
  for (const { table, removed } of [...unfinished, ...queue])
    log('warn', 'sweep_unfinished', { table, removed })
}

/** Removes one batch, and logs its failures. */
async function sweepBatch(progress: Progress): Promise<Swept> {
  const swept = await callSweep(progress)
  progress.removed += swept.removed
  const { table, removed } = progress
  for (const error of swept.failures ?? []) {
    progress.hasFailed = true
    const cause = describeError(error)
    if (progress.logFailure) progress.logFailure(cause)
    else log('error', 'sweep_failed', { table, removed, cause })
  }
  return swept
}

async function callSweep({ sweep }: Sweepable): Promise<Swept> {
  try {
    const swept = await sweep(BATCH_ROWS)
    return typeof swept === 'number' ? { removed: swept, hasMore: swept >= BATCH_ROWS } : swept
  } catch (error) {
    return { removed: 0, hasMore: false, failures: [error] }
  }
}
