import type { ErasureStore } from '../users/erasure_store.ts'
import type { SessionShards } from './session_shards.ts'

/** The erasures in one statement. The text of its parameter is then about 100 KB. */
const ERASURES_AT_ONCE = 1000

interface Dependencies {
  erasures: Pick<ErasureStore, 'list'>
  shards: SessionShards
}

/**
 * Replaces the ids of erased users in sessions of every shard, in up to `limit` sessions of each 1000 erasures.
 *
 * @returns the number of changed sessions, at most `limit`; `limit` if there may be more
 * @throws StorageUnavailable, CorruptRecord
 */
export async function eraseSessions({ erasures, shards }: Dependencies, limit: number): Promise<number> {
  let erased = 0
  let after: string | null = ''
  while (after !== null) {
    const listed = await erasures.list(after, ERASURES_AT_ONCE)
    const counts = await Promise.all(shards.all().map(({ erasure }) => erasure.erase(listed, limit)))
    erased += counts.reduce((sum, count) => sum + count, 0)
    const last = listed.at(-1)
    after = listed.length === ERASURES_AT_ONCE && last ? last.subject : null
  }
  return Math.min(erased, limit)
}
