import type { RefreshRules } from '../clients/refresh_rules.ts'
import type { FailureCause } from '../oauth/failure_cause.ts'
import { endOfSession, type SessionRow } from './session.ts'

/** The result of one use of a refresh token. `seq` and `expiresAt` are those of the token in the response. */
export type RotationOutcome =
  | { kind: 'rotated'; seq: number; expiresAt: number }
  /** The token was used before. It gets the current token of the session. */
  | { kind: 'retried'; seq: number; expiresAt: number }
  /** The token stays the current token of the session. */
  | { kind: 'kept'; seq: number; expiresAt: number }
  /** The token is no longer good for a retry. It may have been copied (RFC 9700 §4.14.2). */
  | { kind: 'replayed' }
  | { kind: 'refused'; cause: FailureCause; reason: string }

/** One use of a refresh token. Times are Unix seconds. */
export interface RotationAttempt extends RefreshRules {
  /** The number of the token that was used. */
  seq: number
  /** Whether this use advanced the session. */
  advanced: boolean
  /** The session after the attempt; null if it has no row. */
  row: SessionRow | null
  now: number
  /** When a session without a row expires. */
  expiresAt: number
  /** Null without a limit. */
  sessionLifetimeSeconds: number | null
}

/** Distinguishes a first use, a retry and theft by the row after the atomic statement. */
export function judgeRotation({ row, advanced, ...attempt }: RotationAttempt): RotationOutcome {
  const { seq, now, policy } = attempt
  const isFixed = policy === 'fixed'
  if (row === null) {
    if (isFixed && seq === 0) return { kind: 'kept', seq, expiresAt: attempt.expiresAt }
    return { kind: 'refused', cause: 'invalid_token', reason: 'the session has no row' }
  }
  if (row.endedAt !== null)
    return { kind: 'refused', cause: 'ended_session', reason: `the session ended: ${row.endReason}` }
  if (advanced) return { kind: 'rotated', seq: row.seq, expiresAt: row.expiresAt }
  const expiresAt = endOfSession(row, attempt.sessionLifetimeSeconds)
  if (expiresAt <= now) return { kind: 'refused', cause: 'expired_token', reason: 'the session expired' }
  if (isFixed && row.seq === seq) return { kind: 'kept', seq, expiresAt }
  if (row.seq <= seq)
    return {
      kind: 'refused',
      cause: 'invalid_token',
      reason: 'the token is newer than its session: the database may have been restored',
    }
  if (now < endOfRetries(row, attempt)) return { kind: 'retried', seq: row.seq, expiresAt: row.expiresAt }
  return { kind: 'replayed' }
}

/** The first second in which a used token is no longer good for a retry. Unix seconds. */
function endOfRetries(
  { seq: current, rotatedAt, rotationTimes }: SessionRow,
  { seq, policy, retryWindowSeconds }: Pick<RotationAttempt, 'seq' | keyof RefreshRules>,
): number {
  const isPredecessor = current === seq + 1
  if (policy === 'rotate') return isPredecessor ? rotatedAt + retryWindowSeconds : 0
  if (isPredecessor) return Number.POSITIVE_INFINITY
  // The use of the successor (seq + 1) made token seq + 2, so the time of that token is the time of the use.
  const next = seq + 2
  const successorUsedAt = current === next ? rotatedAt : rotationTimes[next]
  return successorUsedAt === undefined ? 0 : successorUsedAt + retryWindowSeconds
}
