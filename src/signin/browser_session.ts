import * as z from 'zod/mini'
import type { BrowserSessionLimits } from '../config/browser_session_schema.ts'
import type { User } from '../users/user.ts'

/** The sign-in of a user in one browser. The cookie of the pool contains it sealed. Times are Unix seconds. */
export const browserSessionSchema = z.object({
  id: z.string(),
  /** The ids of earlier browser sessions of the user in this browser, newest first. A logout ends their sessions too. */
  earlierIds: z.array(z.string()),
  subject: z.string(),
  /** When the user last authenticated. */
  authTime: z.int(),
  /** The methods of that authentication (RFC 8176). */
  amr: z.array(z.string()),
  acr: z.string(),
  /**
   * The browser session continues after a revocation of the user's tokens that is not later than this second: its user changed the
   * password or ended the other sessions in it. 0 without one. A cookie of the version before has none.
   */
  keptFrom: z._default(z.int(), 0),
  /** Whether the sign-in cancelled the deletion of the account, and no page has shown it. A cookie of the version before has no value. */
  cancelledDeletion: z._default(z.boolean(), false),
  /** The absolute lifetime begins here. */
  startedAt: z.int(),
  /** The latest end. A longer lifetime in config.yml does not move it, because the record of a logout lasts only until then. */
  endsAt: z.int(),
  /** The last renewal of the cookie (`isDueForRenewal`). */
  usedAt: z.int(),
})

export type BrowserSession = z.output<typeof browserSessionSchema>

/** The cookie is written again when a tenth of the idle time is over, so that most requests do not write it. */
const RENEWAL_PART = 10

/** The most earlier ids that a browser session keeps. The server ends the oldest. */
const MAX_EARLIER_IDS = 5

/** The ids of a browser session and of the earlier ones in this browser, newest first. */
export function idsOf({ id, earlierIds }: Pick<BrowserSession, 'id' | 'earlierIds'>): string[] {
  return [id, ...earlierIds]
}

/**
 * Decides which browser sessions of a browser a new sign-in keeps. Those of another user end.
 *
 * @param before The browser session before the sign-in; null without one.
 */
export function earlierOf(
  before: BrowserSession | null,
  subject: string,
): { earlierIds: string[]; endedIds: string[] } {
  const ids = before === null ? [] : idsOf(before)
  const kept = before?.subject === subject ? MAX_EARLIER_IDS : 0
  return { earlierIds: ids.slice(0, kept), endedIds: ids.slice(kept) }
}

/** Whether the browser session has not expired. `isUsableBy` checks the record of the user. */
export function isLive(
  { startedAt, endsAt, usedAt }: BrowserSession,
  { idleSeconds, lifetimeSeconds }: BrowserSessionLimits,
  now: number,
): boolean {
  return usedAt + idleSeconds > now && Math.min(endsAt, startedAt + lifetimeSeconds) > now
}

/** Whether the user may use the browser session or the pending sign-in: a sign-out, a new password or a disabled account ends it. */
export function isUsableBy(
  {
    authTime,
    subject,
    keptFrom = 0,
  }: Pick<BrowserSession, 'authTime' | 'subject'> & Partial<Pick<BrowserSession, 'keptFrom'>>,
  user: User | null,
  pool: string,
): boolean {
  return (
    user !== null &&
    user.id === subject &&
    user.pool === pool &&
    user.enabled &&
    user.tokensValidFrom <= Math.max(authTime, keptFrom)
  )
}

export function isDueForRenewal(
  { usedAt }: BrowserSession,
  { idleSeconds }: BrowserSessionLimits,
  now: number,
): boolean {
  return now - usedAt > idleSeconds / RENEWAL_PART
}
