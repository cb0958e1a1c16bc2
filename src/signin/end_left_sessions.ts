import { LOGOUT } from '../sessions/session.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { Swept } from '../storage/sweep.ts'
import type { UserOutboxStore } from '../users/user_outbox_store.ts'
import { BROWSER_END_REASONS } from './browser_session_store.ts'
import type { EndPlace, UnfinishedEndStore } from './unfinished_end_store.ts'

/** A later run ends a session that began in another shard while the browser session ended. */
const WATCHED_SECONDS = 120

/** The most browser sessions of users in unavailable databases that one run reads. The other sweeps need the rest of its statements. */
const MAX_UNREAD = 5000

interface Dependencies {
  unfinishedEnds: UnfinishedEndStore
  shards: SessionShards
  userOutboxes: readonly Pick<UserOutboxStore, 'removeIfDeleted'>[]
}

/** One run of the cron trigger. */
export interface LeftSessionRun {
  /** Unix seconds. */
  now: number
  /** The last browser session that the run has read, newest first; null at its start. */
  last: EndPlace | null
  /** The browser sessions whose user it could not read. */
  unread: number
}

/**
 * Ends up to `limit` live sessions of each shard that belong to the next browser sessions of a run. It removes the records of deleted
 * users: the cookie of such a user can still end a browser session. A record stays unfinished while the database of its user is
 * unavailable. The newest record comes first, so that it does not wait for those records.
 *
 * @param run The call changes it.
 * @param limit Also the most browser sessions of one call.
 * @throws StorageUnavailable, after the calls to all shards were sent; CorruptRecord
 */
export async function endLeftSessions(
  { unfinishedEnds, shards, userOutboxes }: Dependencies,
  run: LeftSessionRun,
  limit: number,
): Promise<Swept> {
  const { now } = run
  const left = await unfinishedEnds.list(run.last, limit)
  if (left.length === 0) return { removed: 0, hasMore: false, statements: 1 }
  const calls = BROWSER_END_REASONS.flatMap((reason) => {
    const ids = left.filter((end) => end.reason === reason).map(({ id }) => id)
    if (ids.length === 0) return []
    const origin = reason === LOGOUT ? { loggedOutBrowserIds: ids } : { browserIds: ids }
    return shards.all().map(({ endings }) => endings.endBegun(origin, { reason, limit }, now))
  })
  const ended = (await Promise.all(calls)).map(({ length }) => length)
  const removed = ended.reduce((sum, count) => sum + count, 0)
  if (ended.some((count) => count >= limit)) return { removed, hasMore: true }
  const subjects = left.map(({ subject }) => subject)
  const unread = new Set((await Promise.all(userOutboxes.map((o) => o.removeIfDeleted(subjects)))).flat())
  const read = left.filter(({ subject }) => !unread.has(subject)).map(({ id }) => id)
  const finished = await unfinishedEnds.finish(read, now - WATCHED_SECONDS, now)
  run.last = left.at(-1) ?? run.last
  run.unread += left.length - read.length
  return { removed: removed + finished, hasMore: left.length === limit && run.unread < MAX_UNREAD }
}
