import { findSessions } from '../../admin/session_page.ts'
import { type KnownSession, ownerOf, type ShownSession } from '../../admin/session_view.ts'
import { endKnownSession, findSession, showLive } from '../../admin/sessions.ts'
import { endBrowserSessions } from '../../browser/end_browser_sessions.ts'
import { InputRefused } from '../../browser/input_refused.ts'
import { browserSessionLimitsOf } from '../../config/pool_settings.ts'
import { tooManyAttempts } from '../../oauth/errors.ts'
import { revocationTime } from '../../sessions/revocation_store.ts'
import { ENDED_BY_USER } from '../../sessions/session.ts'
import { idsOf } from '../../signin/browser_session.ts'
import type { UserRecord } from '../../users/user_record.ts'
import { type AccountCall, originOf } from './account_call.ts'

/** The most sessions of a list. */
const MAX_SESSIONS = 100

/** A live session of the caller, as the account page and the JSON API show it. */
export interface OwnSession
  extends Pick<
    ShownSession,
    'sid' | 'client_id' | 'client_name' | 'device' | 'country' | 'started_at' | 'expires_at'
  > {
  last_used_at: number
  /** Whether it is the session of the access token, or began in the browser session of the call. */
  is_current: boolean
}

/** The live sessions among the newest sessions of the caller, newest first. @throws StorageUnavailable, CorruptRecord */
export async function listOwnSessions(call: AccountCall): Promise<OwnSession[]> {
  const { signedIn, services, context } = call
  const owner = { subject: signedIn.user.id, clientId: null }
  const page = { sort: 'started', isDescending: true, from: null, isBackwards: false, limit: MAX_SESSIONS }
  const { rows } = await findSessions(owner, page, services)
  const ids = browserIdsOf(call)
  const own = new Set(
    rows
      .filter(({ row }) => row?.browserId != null && ids.includes(row.browserId))
      .map((known) => ownerOf(known).sid),
  )
  const live = await showLive(rows, { services, context, hiddenPool: null })
  return live.map((session) => show(session, own.has(session.sid) || session.sid === call.sid))
}

function show(session: ShownSession, isCurrent: boolean): OwnSession {
  return {
    sid: session.sid,
    client_id: session.client_id,
    client_name: session.client_name,
    device: session.device,
    country: session.country,
    started_at: session.started_at,
    last_used_at: session.last_refreshed_at ?? session.started_at,
    expires_at: session.expires_at,
    is_current: isCurrent,
  }
}

/**
 * Ends a session of the caller, and the browser session in which it began: otherwise the browser could start another session without a
 * sign-in. The browser session of the call stays. A repeated call changes nothing.
 *
 * @returns false for a session that the caller does not have
 * @throws StorageUnavailable, CorruptRecord
 */
export async function endOwnSession(sid: string, call: AccountCall): Promise<boolean> {
  const { signedIn, services, context } = call
  // One partition of the batches, as for the list of the caller's sessions.
  const search = { subject: signedIn.user.id, beforeSearch: () => {} }
  const session = await findSession(sid, search, services)
  if (session === null || ownerOf(session).subject !== signedIn.user.id) return false
  const { clientId, api, subject } = ownerOf(session)
  const about = { clientId, api, subject, sid, outcome: 'ok' } as const
  const event = { kind: 'revoke', reason: ENDED_BY_USER, ...about } as const
  await endKnownSession(session, { reason: ENDED_BY_USER, event }, { services, context })
  await endItsBrowser(session, call)
  return true
}

async function endItsBrowser({ row }: KnownSession, call: AccountCall): Promise<void> {
  const { pool, signedIn, services, context } = call
  const browserId = row?.browserId ?? null
  if (browserId === null || browserIdsOf(call).includes(browserId)) return
  // The cookie of the other browser is unknown. It has expired by this time.
  const endsAt = context.now + browserSessionLimitsOf(pool, services.config).lifetimeSeconds
  const ended = { subject: signedIn.user.id, endsAt }
  await endBrowserSessions(ended, [browserId], { clientId: originOf(call).clientId, services, context })
}

function browserIdsOf({ signedIn: { session } }: AccountCall): string[] {
  return session === null ? [] : idsOf(session)
}

/**
 * Ends every session of the caller, also sessions that are not listed. The account page then keeps its browser session, unless another
 * revocation comes at the same time: a thief of a browser session must not survive the sign-out of the owner. Each revocation moves
 * `tokensValidFrom`, so a caller must wait while it is ahead of the clock: the owner could not sign in.
 *
 * @throws InputRefused, OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function endOtherSessions(call: AccountCall): Promise<UserRecord> {
  const { signedIn, services, context } = call
  const { id: subject, tokensValidFrom } = signedIn.user
  const aheadSeconds = tokensValidFrom - revocationTime(context.now)
  if (aheadSeconds > 0)
    throw tooManyAttempts('the sessions were ended a moment ago', aheadSeconds, { subject })
  const conditions = { tokensValidFrom }
  const revocation = { reason: 'signed out everywhere', conditions, event: originOf(call) }
  const outcome = await services.signOut.endUser(subject, revocation, context)
  if (outcome.kind !== 'changed' || outcome.record === null) throw new InputRefused({ kind: 'other_session' })
  return outcome.record
}
