import { isUsableBy } from '../signin/browser_session.ts'
import { knownUser } from '../signin/known_user.ts'
import { isPending } from '../signin/next_step.ts'
import type { SealedPending } from '../signin/pending_sign_in.ts'
import type { User } from '../users/user.ts'
import type { BrowserServices } from './browser_services.ts'
import type { EarlyRead } from './read_early.ts'
import type { Situation } from './situation.ts'

/**
 * Continues the pending sign-in of a form, with the current record of the user.
 *
 * @param early Null if the record of the user was to be read with the browser session.
 * @returns null if the user was disabled or deleted, if a sign-out or a new password came after the first factor, or if the user needs no
 *   second factor since an operator removed it
 * @throws OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function restorePending(
  { subject, ...sealed }: SealedPending,
  { situation, early }: { situation: Situation; early: EarlyRead | null },
  services: BrowserServices,
): Promise<Situation | null> {
  const { client, api, context } = situation.browserRequest
  // The read of a browser session has spent the budget.
  if (situation.signedIn === null) await services.bursts.spend('refreshes', `authorize ${client.id}`, context)
  const user = await findUser(subject, { situation, early }, services)
  const { authTime } = sealed
  if (user === null || !isUsableBy({ authTime, subject }, user, api.userPool)) return null
  const pending = { ...sealed, user }
  const known = { ...situation.known, user: knownUser(pending, services.config) }
  return isPending(known.user, known.demands) ? { ...situation, pending, known } : null
}

/** The record that was read with the request. Without one, the browser session of the user has ended. */
async function findUser(
  subject: string,
  { situation: { signedIn }, early }: { situation: Situation; early: EarlyRead | null },
  { authorizationState }: BrowserServices,
): Promise<User | null> {
  if (early !== null) return early.user
  if (signedIn?.user.id === subject) return signedIn.user
  return (await authorizationState.find({ subject, browserIds: [], consentId: null })).user
}
