import { revocationTime } from '../sessions/revocation_store.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { ConsentStore, StoredConsent } from './consent_store.ts'

/** The most sessions of one consent that one request ends in each shard. The cron trigger ends the rest. */
const MAX_SESSIONS = 100

/** The cron trigger ends a session that began in another shard during the withdrawal, if it is younger than this time. */
const WATCHED_SECONDS = 3600
const MAX_WATCHED = 100

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

/**
 * Ends up to `limit` sessions of consents that were withdrawn in the last hour.
 *
 * @returns how many sessions it ended
 * @throws StorageUnavailable
 */
export async function endWithdrawn(
  { consents, shards }: Dependencies,
  now: number,
  limit: number,
): Promise<number> {
  const consentIds = await consents.listWithdrawn(now - WATCHED_SECONDS, MAX_WATCHED)
  if (consentIds.length === 0) return 0
  let ended = 0
  for (const { endings } of shards.all()) {
    if (ended >= limit) return ended
    const ending = { reason: CONSENT_WITHDRAWN, limit: limit - ended } as const
    ended += (await endings.endBegun({ consentIds }, ending, now)).length
  }
  return ended
}
