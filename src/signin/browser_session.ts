import * as z from 'zod/mini'
import type { BrowserSessionLimits } from '../config/browser_session_schema.ts'
import type { User } from '../users/user.ts'

/** The level of an authentication with one factor (RFC 9470 `acr`). */
export const ONE_FACTOR = 'urn:sallyport:1'

/** The sign-in of a user in one browser. The cookie of the pool contains it sealed. Times are Unix seconds. */
export const browserSessionSchema = z.object({
  id: z.string(),
  subject: z.string(),
  /** When the user last authenticated. */
  authTime: z.int(),
  /** The methods of that authentication (RFC 8176). */
  amr: z.array(z.string()),
  acr: z.string(),
  /** The absolute lifetime begins here. */
  startedAt: z.int(),
  /** The last use, to the precision of `isDueForRenewal`. */
  usedAt: z.int(),
})

export type BrowserSession = z.output<typeof browserSessionSchema>

/** The cookie is written again when a tenth of the idle time is over, so that most requests do not write it. */
const RENEWAL_PART = 10

/** Whether the browser session has not expired. The user's record decides the rest (`isOf`). */
export function isLive(
  { startedAt, usedAt }: BrowserSession,
  { idleSeconds, lifetimeSeconds }: BrowserSessionLimits,
  now: number,
): boolean {
  return usedAt + idleSeconds > now && startedAt + lifetimeSeconds > now
}

/** Whether the user may use the browser session: a sign-out, a new password or a disabled account ends it. */
export function isUsableBy({ authTime, subject }: BrowserSession, user: User | null, pool: string): boolean {
  return (
    user !== null &&
    user.id === subject &&
    user.pool === pool &&
    user.enabled &&
    user.tokensValidFrom <= authTime
  )
}

export function isDueForRenewal(
  { usedAt }: BrowserSession,
  { idleSeconds }: BrowserSessionLimits,
  now: number,
): boolean {
  return now - usedAt > idleSeconds / RENEWAL_PART
}

/** When the browser session ends at the latest. Unix seconds. */
export function endOf({ startedAt }: BrowserSession, { lifetimeSeconds }: BrowserSessionLimits): number {
  return startedAt + lifetimeSeconds
}
