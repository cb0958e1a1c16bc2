import { describeError, log } from '../lib/log.ts'
import type { Sweepable, Swept } from '../storage/sweep.ts'
import { EMPTY_MOVE_STATEMENTS, MOVE_STATEMENTS, type UserOutboxStore } from './user_outbox_store.ts'

/** The most moves of one database after a request. The cron trigger moves the rest. */
const MOVES_AFTER_REQUEST = 4

type Outbox = Pick<UserOutboxStore, 'move'>

/** Moves the audit events and erasures of every further database to the main database. After a failure, the next call moves them. */
export async function moveUserEvents({ userOutboxes }: { userOutboxes: readonly Outbox[] }): Promise<void> {
  for (const outbox of userOutboxes) {
    try {
      await moveRows(outbox, MOVES_AFTER_REQUEST)
    } catch (error) {
      logFailure(describeError(error))
    }
  }
}

/**
 * The part of a run of the cron trigger that moves the audit events and erasures of one further database. A call makes one move, so that
 * many databases leave statements for the other parts.
 */
export function moveSweepOf(outbox: Outbox): Sweepable {
  return {
    table: 'audit_events and erasures (of a database of users)',
    statements: MOVE_STATEMENTS,
    sweep: () => moveRows(outbox, 1),
    logFailure,
  }
}

async function moveRows(outbox: Outbox, most: number): Promise<Swept> {
  let removed = 0
  for (let moves = 0; moves < most; moves++) {
    const moved = await outbox.move()
    removed += moved
    const statements = moves * MOVE_STATEMENTS + EMPTY_MOVE_STATEMENTS
    if (moved === 0) return { removed, hasMore: false, statements }
  }
  return { removed, hasMore: true }
}

function logFailure(cause: string): void {
  log('error', 'user_events_not_moved', { cause })
}
