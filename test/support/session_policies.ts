import type { RefreshPolicy } from '../../src/oauth/refresh_policy.ts'
import type { Session, State } from './session_model.ts'

/** The refresh policies in the model of sessions (contract, section 11). Times are Unix seconds. */

/** The rules of a client for its refresh tokens. */
export interface Rules {
  policy: RefreshPolicy
  windowSeconds: number
}

const DEFAULT: Rules = { policy: 'rotate', windowSeconds: 60 }

export function rulesOf({ rules }: State, clientId: string): Rules {
  return rules[clientId] ?? DEFAULT
}

/** Whether a used token gets the current token of its session. */
export function isRetriable(
  seq: number,
  session: Session,
  { now, rules: { policy, windowSeconds } }: { now: number; rules: Rules },
): boolean {
  const isWithin = (at: number | undefined) => at !== undefined && now - at < windowSeconds
  if (policy === 'rotate') return seq === session.seq - 1 && isWithin(session.rotatedAt)
  return seq === session.seq - 1 || isWithin(session.rotations?.[seq + 2])
}

/** Whether a refresh token is the last one of its session that was used, or newer. */
export function isLastToken(seq: number, session: Session | undefined, { policy }: Rules): boolean {
  return seq === session?.seq || (policy !== 'rotate' && seq === (session?.seq ?? 0) - 1)
}
