import type { FailureCause } from '../oauth/failure_cause.ts'
import { endOfSession, type SessionRow } from './session.ts'

/** The result of one use of a refresh token. */
export type RotationOutcome =
  | { kind: 'rotated'; seq: number; expiresAt: number }
  /** The token is the predecessor of the current token, within the retry window. It gets the same successor. */
  | { kind: 'retried'; seq: number; expiresAt: number }
  /** The token is older, or the retry window is over. It may have been copied (RFC 9700 §4.14.2). */
  | { kind: 'replayed' }
  | { kind: 'refused'; cause: FailureCause; reason: string }

/** One use of a refresh token. Times are Unix seconds. */
export interface RotationAttempt {
  /** The number of the token that was used. */
  seq: number
  /** Whether this use advanced the session. */
  advanced: boolean
  /** The session after the attempt; null if it has no row. */
  row: SessionRow | null
  now: number
  retryWindowSeconds: number
  /** Null without a limit. */
  sessionLifetimeSeconds: number | null
}

/** Distinguishes rotation, retry and theft by the row after the atomic statement. */
export function judgeRotation({ seq, advanced, row, now, ...rules }: RotationAttempt): RotationOutcome {
  if (row === null) return { kind: 'refused', cause: 'invalid_token', reason: 'the session has no row' }
  if (row.endedAt !== null)
    return { kind: 'refused', cause: 'ended_session', reason: `the session ended: ${row.endReason}` }
  if (advanced) return { kind: 'rotated', seq: row.seq, expiresAt: row.expiresAt }
  if (endOfSession(row, rules.sessionLifetimeSeconds) <= now)
    return { kind: 'refused', cause: 'expired_token', reason: 'the session expired' }
  if (row.seq <= seq)
    return {
      kind: 'refused',
      cause: 'invalid_token',
      reason: 'the token is newer than its session: the database may have been restored',
    }
  const isPredecessor = row.seq === seq + 1
  if (isPredecessor && now - row.rotatedAt < rules.retryWindowSeconds) {
    return { kind: 'retried', seq: row.seq, expiresAt: row.expiresAt }
  }
  return { kind: 'replayed' }
}
