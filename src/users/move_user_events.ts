import { describeError, log } from '../lib/log.ts'
import type { Sweepable, Swept } from '../storage/sweep.ts'
import { EMPTY_MOVE_STATEMENTS, MOVE_STATEMENTS, type UserOutboxStore } from './user_outbox_store.ts'

/** The most moves of one database in one call. Later calls move the rest. */
const MOVES_AT_ONCE = 4

type Outbox = Pick<UserOutboxStore, 'move'>

/** Moves the audit events and erasures of every further database to the main database. After a failure, the next call moves them. */
export async function moveUserEvents({ userOutboxes }: { userOutboxes: readonly Outbox[] }): Promise<void> {
  for (const outbox of userOutboxes) {
    try {
      await moveRows(outbox)
    } catch (error) {
      logFailure(describeError(error))
    }
  }
}

/** The part of a run of the cron trigger that moves the audit events and erasures of one further database. */
export function moveSweepOf(outbox: Outbox): Sweepable {
  return {
    table: 'audit_events and erasures (of a database of users)',
    statements: MOVES_AT_ONCE * MOVE_STATEMENTS,
    sweep: () => moveRows(outbox),
    logFailure,
  }
}

async function moveRows(outbox: Outbox): Promise<Swept> {
  let removed = 0
  for (let moves = 0; moves < MOVES_AT_ONCE; moves++) {
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
