import { revocationTime } from '../sessions/revocation_store.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { Swept } from '../storage/sweep.ts'
import type { ConsentStore, StoredConsent, WithdrawnConsent } from './consent_store.ts'

/** The most sessions of one consent that one request ends in each shard. The cron trigger ends the rest. */
const MAX_SESSIONS = 100

export const CONSENT_WITHDRAWN = 'its consent was withdrawn'

interface Dependencies {
  consents: ConsentStore
  shards: SessionShards
}

/**
 * Withdraws a consent and ends the sessions that began under it, in every shard. A repeated call ends the sessions that an earlier call
 * did not end.
 *
 * @param alongside Further statements of the transaction, such as the audit event.
 * @returns the sids of the sessions that this call ended
 * @throws StorageUnavailable
 */
export async function withdrawConsent(
  { id }: StoredConsent,
  alongside: Statements,
  { consents, shards }: Dependencies,
  now: number,
): Promise<string[]> {
  await consents.withdraw({ id, validFrom: revocationTime(now) }, alongside, now)
  const ending = { reason: CONSENT_WITHDRAWN, limit: MAX_SESSIONS } as const
  const ended = await Promise.all(
    shards.all().map(({ endings }) => endings.endBegun({ consentIds: [id] }, ending, now)),
  )
  return ended.flat()
}

/** One run of the cron trigger. */
export interface WithdrawnRun {
  /** Unix seconds. */
  now: number
  /** Only withdrawals after this time. Unix seconds. */
  after: number
  /** The last withdrawal whose sessions the run has ended, newest first; null at its start. */
  last: WithdrawnConsent | null
}

/**
 * Ends up to `limit` sessions of each shard that began under the next withdrawn consents of a run: also sessions that began in another
 * shard during the withdrawal.
 *
 * @param run The call changes it.
 * @param limit Also the most consents of one call.
 * @throws StorageUnavailable, after the calls to all shards were sent; CorruptRecord
 */
export async function endWithdrawn(
  { consents, shards }: Dependencies,
  run: WithdrawnRun,
  limit: number,
): Promise<Swept> {
  const listed = await consents.listWithdrawn({ before: run.last, after: run.after }, limit)
  if (listed.length === 0) return { removed: 0, hasMore: false, statements: 1 }
  const origin = { consentIds: listed.map(({ id }) => id) }
  const ending = { reason: CONSENT_WITHDRAWN, limit } as const
  const calls = shards.all().map(({ endings }) => endings.endBegun(origin, ending, run.now))
  const ended = (await Promise.all(calls)).map(({ length }) => length)
  const removed = ended.reduce((sum, count) => sum + count, 0)
  if (ended.some((count) => count >= limit)) return { removed, hasMore: true }
  run.last = listed.at(-1) ?? run.last
  return { removed, hasMore: listed.length === limit }
}
