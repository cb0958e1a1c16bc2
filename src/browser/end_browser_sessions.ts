import { type RequestContext, runLater } from '../lib/request_context.ts'
import { LOGOUT } from '../sessions/session.ts'
import type { BrowserSession } from '../signin/browser_session.ts'
import { isInFurther } from '../users/user_databases_store.ts'
import type { BrowserServices } from './browser_services.ts'

/** A browser session of a pool. */
export interface PoolSession {
  pool: string
  session: BrowserSession
}

interface Occasion {
  /** The client of the request; null without one. */
  clientId: string | null
  services: Pick<BrowserServices, 'browserSessions' | 'shards' | 'audit' | 'config' | 'authorizationState'>
  context: RequestContext
}

/** The most sessions that one logout ends in each shard. The cron trigger ends the rest. */
const MAX_SESSIONS = 200

/**
 * Ends browser sessions and the sessions of first-party clients that began in them. The feed lists these sessions. A repeated call ends
 * the sessions that a failed call did not end, and adds no audit event. That of a deleted user also adds none.
 *
 * @param ids The ids that end: all ids of the session (`idsOf`), or some of them.
 * @throws StorageUnavailable: the logout can be repeated
 */
export async function endBrowserSessions(
  { subject, endsAt: keepUntil }: Pick<BrowserSession, 'subject' | 'endsAt'>,
  ids: readonly string[],
  occasion: Occasion,
): Promise<void> {
  const { services, context } = occasion
  const { browserSessions, shards } = services
  const { now } = context
  const ends = { ids, subject, keepUntil, reason: LOGOUT } as const
  const isFirst = await browserSessions.end(ends, now)
  const origin = { loggedOutBrowserIds: ids }
  const ending = { reason: LOGOUT, limit: MAX_SESSIONS } as const
  await Promise.all(shards.all().map(({ endings }) => endings.endBegun(origin, ending, now)))
  if (isFirst && isInFurther(subject)) runLater(context, 'audit event of a logout', recordIfExists)
  else if (isFirst) recordEnd(subject, occasion)

  async function recordIfExists(): Promise<void> {
    const state = services.authorizationState.find({ subject, browserIds: [], consentId: null })
    if ((await state.catch(() => null))?.user !== null) recordEnd(subject, occasion)
  }
}

function recordEnd(subject: string, { clientId, services, context }: Occasion): void {
  const about = { subject, sid: null, api: null, clientId }
  services.audit.record({ kind: 'revoke', outcome: 'ok', reason: LOGOUT, ...about }, context)
}
