import type { Context } from 'hono'
import type { AuthorizationState } from '../authorization/authorization_state_store.ts'
import { browserSessionLimitsOf } from '../config/pool_settings.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { type BrowserSession, idsOf, isDueForRenewal, isLive, isUsableBy } from '../signin/browser_session.ts'
import type { User } from '../users/user.ts'
import type { BrowserServices } from './browser_services.ts'

export interface SignedInUser {
  session: BrowserSession
  user: User
}

interface SessionQuery {
  pool: string
  /** The name of the budget `refreshes` of the IP address. */
  budget: string
  context: RequestContext
  /** The consent that the request needs; null without one. */
  consentIdOf(subject: string): Promise<string | null>
}

/** The user of a valid browser session, and the state that was read with it. */
export interface ReadSession extends AuthorizationState {
  signedIn: SignedInUser
  consentId: string | null
}

/**
 * Reads the browser session of a pool and its user: one call to D1 if the browser has a session, and none without one.
 *
 * @returns null if no user of the pool is signed in
 * @throws OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function readSignedIn(
  c: Context,
  { pool, budget, context, consentIdOf }: SessionQuery,
  services: BrowserServices,
): Promise<ReadSession | null> {
  const cookie = services.cookies.session(pool)
  const limits = browserSessionLimitsOf(pool, services.config)
  const session = await cookie.read(c)
  if (session === null || !isLive(session, limits, context.now)) return null
  const consentId = await consentIdOf(session.subject)
  const query = { subject: session.subject, browserIds: idsOf(session), consentId }
  const [state] = await Promise.all([
    services.authorizationState.find(query),
    services.bursts.spend('refreshes', budget, context),
  ])
  const { user } = state
  if (user === null || state.endedBrowserIds.length > 0 || !isUsableBy(session, user, pool)) return null
  if (isDueForRenewal(session, limits, context.now))
    await cookie.write(c, { ...session, usedAt: context.now }, limits.idleSeconds)
  return { ...state, signedIn: { session, user }, consentId }
}
