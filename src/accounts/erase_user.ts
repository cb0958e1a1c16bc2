import type { AuditEvent } from '../audit/audit_event.ts'
import { DELIVERY_SECONDS } from '../audit/audit_message.ts'
import type { Config } from '../config/config.ts'
import type { EditOutcome } from '../lib/edit.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { SignOut } from '../sessions/sign_out.ts'
import { type ErasureStore, makePseudonym, type NewErasure } from '../users/erasure_store.ts'
import type { FailureStore } from '../users/failure_store.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { UserConditions } from '../users/user_admin_store.ts'
import type { UserRecord } from '../users/user_record.ts'

type Lifetimes = Pick<Config, 'apis' | 'longestAccessTokenSeconds'>

interface Dependencies {
  config: Lifetimes
  signOut: Pick<SignOut, 'removeUser'>
  erasures: ErasureStore
  failures: FailureStore
  guard: SignInGuard
}

/** The statements of an erasure. */
export const ERASE_STATEMENTS = 6

/** Why and by whom a user is erased. */
interface ErasureCause {
  reason: string
  conditions: Partial<UserConditions>
  /** Further members of the audit event, such as the operator. */
  event: Partial<AuditEvent>
}

/**
 * Erases a user: deletes the account and ends every session. The cron trigger removes the personal data from the audit trail and the
 * sessions.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function eraseUser(
  user: Pick<User, 'id' | 'pool' | 'username'>,
  { reason, conditions, event }: ErasureCause,
  { config, signOut, erasures, failures, guard }: Dependencies,
  context: RequestContext,
): Promise<EditOutcome<UserRecord>> {
  const erasure = makeErasure(user.id, config, context.now)
  const account = await guard.accountKey(user)
  const revocation = {
    reason,
    conditions,
    event: { subject: erasure.pseudonym, ...event },
    alongside: [erasures.additionIfChanged(erasure), failures.removalIfChanged(account)],
  }
  return signOut.removeUser(user.id, revocation, context)
}

/**
 * A new erasure. It is listed until the last token of the user has expired, and the queue has no event of the user.
 *
 * @param now Unix seconds.
 */
export function makeErasure(subject: string, config: Lifetimes, now: number): NewErasure {
  const lifetimes = [...config.apis.values()].map((api) => api.refreshTokenLifetimeSeconds)
  const longest = Math.max(DELIVERY_SECONDS, config.longestAccessTokenSeconds, ...lifetimes)
  return { subject, pseudonym: makePseudonym(), expiresAt: now + longest }
}
