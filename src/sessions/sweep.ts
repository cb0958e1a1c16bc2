import type { Clock } from '../lib/clock.ts'
import { describeError, log } from '../lib/log.ts'

/** The most rows that one statement removes. D1 runs one statement at a time, so a sign-in may wait for it. */
export const BATCH_ROWS = 1000

/** A Worker can send 1000 statements to D1 in one run. The signing keys need some of them. */
export const MAX_STATEMENTS = 900

/** A run ends before the next run starts. The cron trigger starts a run every five minutes. */
const MAX_SECONDS = 240

/** Expired rows of one table in one database. */
export interface Sweepable {
  table: string
  /** The most statements that one call sends, if more than one. If `Swept` has their number, the least. */
  statements?: number
  /** Removes up to `limit` rows. @returns how many: with `limit` or more, rows may be left */
  sweep(limit: number): Promise<number | Swept>
}

/** The outcome of a call that reads one page of a list. */
export interface Swept {
  removed: number
  /** Whether another call in the same run can remove more rows. */
  hasMore: boolean
  /** The statements that the call sent, if the number depends on the rows. */
  statements?: number
}

interface Progress extends Sweepable {
  removed: number
}

/**
 * Removes expired rows, one batch of each table in turn. A run stops when it has used its statements or its time. The next
 * run removes the rest. A failure in one table does not stop the others.
 */
export async function sweep(sweepables: readonly Sweepable[], clock: Clock): Promise<void> {
  const begunAt = clock.now()
  const queue: Progress[] = sweepables.map((sweepable) => ({ ...sweepable, removed: 0 }))
  const unfinished: Progress[] = []
  let sent = 0
  while (clock.now() - begunAt < MAX_SECONDS) {
    const next = queue.shift()
    if (next === undefined) break
    const { statements = 1 } = next
    if (sent + statements > MAX_STATEMENTS) {
      unfinished.push(next)
      continue
    }
    const swept = await sweepBatch(next)
    sent += swept.statements ?? statements
    if (swept.hasMore) queue.push(next)
  }
  for (const { table, removed } of [...unfinished, ...queue])
    log('warn', 'sweep_unfinished', { table, removed })
}

/** Removes one batch, and logs the end of the table in this run. */
async function sweepBatch(progress: Progress): Promise<Omit<Swept, 'removed'>> {
  const { table } = progress
  try {
    const swept = await progress.sweep(BATCH_ROWS)
    const { removed, ...rest } =
      typeof swept === 'number' ? { removed: swept, hasMore: swept >= BATCH_ROWS } : swept
    progress.removed += removed
    if (!rest.hasMore) log('info', 'swept', { table, removed: progress.removed })
    return rest
  } catch (error) {
    log('error', 'sweep_failed', { table, removed: progress.removed, cause: describeError(error) })
    return { hasMore: false }
  }
}
