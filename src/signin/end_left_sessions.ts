import { LOGOUT } from '../sessions/session.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { UserOutboxStore } from '../users/user_outbox_store.ts'
import { BROWSER_END_REASONS, type BrowserSessionStore } from './browser_session_store.ts'

/** A later run ends a session that began in another shard while the browser session ended. */
const WATCHED_SECONDS = 120

interface Dependencies {
  browserSessions: BrowserSessionStore
  shards: SessionShards
  userOutboxes: readonly Pick<UserOutboxStore, 'removeIfDeleted'>[]
}

/**
 * Ends up to `limit` live sessions of browser sessions that have ended. It removes the records of deleted users: the cookie of such a
 * user can still end a browser session.
 *
 * @returns the number of ended sessions, plus the number of browser sessions without a session that is left
 * @throws StorageUnavailable, CorruptRecord
 */
export async function endLeftSessions(
  { browserSessions, shards, userOutboxes }: Dependencies,
  now: number,
  limit: number,
): Promise<number> {
  const left = await browserSessions.listUnfinished(limit)
  if (left.length === 0) return 0
  let ended = 0
  for (const reason of BROWSER_END_REASONS) {
    const ids = left.filter((end) => end.reason === reason).map(({ id }) => id)
    if (ids.length === 0) continue
    const origin = reason === LOGOUT ? { loggedOutBrowserIds: ids } : { browserIds: ids }
    for (const { endings } of shards.all()) {
      ended += (await endings.endBegun(origin, { reason, limit: limit - ended }, now)).length
      if (ended >= limit) return ended
    }
  }
  const subjects = left.map(({ subject }) => subject)
  const unread = new Set((await Promise.all(userOutboxes.map((o) => o.removeIfDeleted(subjects)))).flat())
  const ids = left.filter(({ subject }) => !unread.has(subject)).map(({ id }) => id)
  return ended + (await browserSessions.finish(ids, now - WATCHED_SECONDS, now))
}
