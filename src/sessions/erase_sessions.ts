import type { Swept } from '../storage/sweep.ts'
import type { ErasureStore, NewErasure } from '../users/erasure_store.ts'
import type { SessionShards } from './session_shards.ts'

/** The erasures in one statement. The text of its parameter is then about 120 KB. */
const ERASURES_AT_ONCE = 1000

interface Dependencies {
  erasures: Pick<ErasureStore, 'list'>
  shards: SessionShards
}

/** One run of the cron trigger. It has replaced the ids of all erasures up to `last`, the newest ones first. */
export interface SessionErasureRun {
  last: NewErasure | null
  /** The errors of session objects, by the name of the object. The next run calls these objects again. */
  failed: Map<string, unknown>
}

/**
 * Replaces the ids of the next 1000 erased users of a run in up to `limit` sessions of each shard. The list has each erasure for weeks.
 * The newest one comes first, so that it does not wait for the others if a run ends before the end of the list. A shard or an
 * object that fails does not stop the others, nor the next users: the next run replaces the ids in it.
 *
 * @param run The call changes it.
 * @throws StorageUnavailable, CorruptRecord, if the list cannot be read
 */
export async function eraseSessions(
  { erasures, shards }: Dependencies,
  run: SessionErasureRun,
  limit: number,
): Promise<Swept> {
  const listed = await erasures.list(run.last, ERASURES_AT_ONCE)
  if (listed.length === 0) return { removed: 0, hasMore: false, statements: 1 }
  const known = run.failed.size
  const calls = shards.all().map(({ erasure }) => erasure.erase(listed, limit, run.failed))
  const settled = await Promise.allSettled(calls)
  const counts = settled.flatMap((call) => (call.status === 'fulfilled' ? [call.value] : []))
  const ofShards = settled.flatMap((call) => (call.status === 'rejected' ? [call.reason] : []))
  const failures = [...[...run.failed.values()].slice(known), ...ofShards]
  const removed = counts.reduce((sum, count) => sum + count, 0)
  if (counts.some((count) => count >= limit)) return { removed, failures, hasMore: true }
  run.last = listed.at(-1) ?? run.last
  return { removed, failures, hasMore: listed.length === ERASURES_AT_ONCE }
}
