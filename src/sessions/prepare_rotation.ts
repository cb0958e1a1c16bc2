import type { KeyRing } from '../keys/key_ring.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { ChangeListStore } from '../storage/change_list_store.ts'
import { HOLDER_KNOWLEDGE_SECONDS } from '../storage/copy_ages.ts'
import { verifyRefreshToken } from '../tokens/refresh_token.ts'
import type { SessionShards } from './session_shards.ts'

interface Dependencies {
  config: { issuer: string }
  keys: KeyRing
  changes: ChangeListStore
  shards: SessionShards
}

/**
 * After a pause, starts the reads of the session object of a refresh token, so that they run in parallel with the reads of this isolate.
 * Only a token that a key in memory verifies reaches an object. The refresh does all checks again.
 */
export function prepareRotation(token: string, services: Dependencies, context: RequestContext): void {
  const { config, keys, changes, shards } = services
  if (context.now - changes.readAt <= HOLDER_KNOWLEDGE_SECONDS.max) return
  async function prepare(): Promise<void> {
    const { sid } = await verifyRefreshToken(token, { keys: keys.inMemory, issuer: config.issuer }, context)
    await shards.findRotations(sid)?.prepare?.(context.now)
  }
  context.waitUntil(prepare().catch(() => {}))
}
