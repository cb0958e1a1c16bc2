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
  /** The statements that one call sends, if more than one. */
  statements?: number
  /** Removes up to `limit` rows. @returns how many */
  sweep(limit: number): Promise<number>
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
  let sent = 0
  while (sent < MAX_STATEMENTS) {
    const next = clock.now() - begunAt < MAX_SECONDS ? queue.shift() : undefined
    if (next === undefined) break
    sent += next.statements ?? 1
    if (await sweepBatch(next)) queue.push(next)
  }
  for (const { table, removed } of queue) log('warn', 'sweep_unfinished', { table, removed })
}

/** Removes one batch. @returns whether the table may have more rows to remove */
async function sweepBatch(progress: Progress): Promise<boolean> {
  const { table } = progress
  try {
    const count = await progress.sweep(BATCH_ROWS)
    progress.removed += count
    if (count >= BATCH_ROWS) return true
    log('info', 'swept', { table, removed: progress.removed })
  } catch (error) {
    log('error', 'sweep_failed', { table, removed: progress.removed, cause: describeError(error) })
  }
  return false
}
