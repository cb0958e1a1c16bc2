import { isUsableBy } from '../signin/browser_session.ts'
import { knownUser } from '../signin/known_user.ts'
import type { SealedPending } from '../signin/pending_sign_in.ts'
import type { BrowserServices } from './browser_services.ts'
import type { Situation } from './situation.ts'

/**
 * Continues the pending sign-in of a form, with the current record of the user.
 *
 * @returns null if the user was disabled or deleted, or if a sign-out or a new password came after the first factor
 * @throws OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function restorePending(
  { subject, ...sealed }: SealedPending,
  situation: Situation,
  { authorizationState, bursts, config }: BrowserServices,
): Promise<Situation | null> {
  const { client, api, context } = situation.browserRequest
  const [{ user }] = await Promise.all([
    authorizationState.find({ subject, browserId: '', consentId: null }),
    bursts.spend('refreshes', `authorize ${client.id}`, context),
  ])
  const { authTime } = sealed
  if (user === null || !isUsableBy({ authTime, subject }, user, api.userPool)) return null
  const pending = { ...sealed, user }
  return { ...situation, pending, known: { ...situation.known, user: knownUser(pending, config) } }
}
