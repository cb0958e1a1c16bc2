import { describeError, log } from '../lib/log.ts'
import type { UserOutboxStore } from './user_outbox_store.ts'

/** Moves the audit events and erasures of every further database to the main database. After a failure, the next call moves them. */
export async function moveUserEvents({
  userOutboxes,
}: {
  userOutboxes: readonly Pick<UserOutboxStore, 'move'>[]
}): Promise<void> {
  for (const outbox of userOutboxes) {
    try {
      while ((await outbox.move()) > 0);
    } catch (error) {
      log('error', 'user_events_not_moved', { cause: describeError(error) })
    }
  }
}
