import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import type { RefreshPolicy } from '../oauth/refresh_policy.ts'
import type { Suspicion } from '../users/sign_in_mark.ts'

/** The reason for the end of a session by a request to the admin API. */
export type EndByCaller = 'ended by an operator' | 'ended by a service account'

/** The reason of a session that its user ended on the account page. */
export const ENDED_BY_USER = 'ended by its user'

/** The reason of the sessions that end with a logout in the browser. Sessions under a consent continue. */
export const LOGOUT = 'signed out in the browser'

/** The reason for the end of a session before it expired. */
export type EndReason =
  | 'replayed refresh token'
  | 'replayed authorization code'
  | 'revoked by its client'
  | 'merged into a customer'
  | typeof LOGOUT
  | typeof ENDED_BY_USER
  | 'its consent was withdrawn'
  | EndByCaller
  | Suspicion

/** A session and its owner, from the claims of a token. Times are Unix seconds. */
export interface SessionIdentity {
  sid: string
  subject: string
  clientId: string
  api: string
  startedAt: number
  /** When the session ends without a further refresh. */
  expiresAt: number
  /** When the token expires. Without a token: when the last token of the session expires. */
  tokenExpiresAt: number
  /** Until when the session can issue access tokens without a change of its row. Absent: only at its start and at refreshes. */
  issuesUntil?: number
}

/** The member `issuesUntil` of a session that has no row yet. A token that stays valid gets access tokens until the session ends. */
export function issuesOf(policy: RefreshPolicy, expiresAt: number): Pick<SessionIdentity, 'issuesUntil'> {
  return policy === 'fixed' ? { issuesUntil: expiresAt } : {}
}

/** The row of a session. Times are Unix seconds. */
export interface SessionRow {
  /** The number of the current refresh token. */
  seq: number
  startedAt: number
  rotatedAt: number
  expiresAt: number
  endedAt: number | null
  endReason: string | null
  /** See `SessionIdentity`. Null: only at the start, and within the `refresh_retry_window` of config.yml after a refresh. */
  issuesUntil: number | null
  /** When the session advanced to a `seq`, for its last refreshes under the policy `until_used`. */
  rotationTimes: Readonly<Record<string, number>>
}

const rowSchema = z.object({
  seq: z.int(),
  started_at: z.int(),
  rotated_at: z.int(),
  expires_at: z.int(),
  ended_at: z.nullable(z.int()),
  end_reason: z.nullable(z.string()),
  issues_until: z.nullable(z.int()),
  rotation_times: z.nullable(z.string()),
})
const rotationTimesSchema = z.record(z.string(), z.int())

/** When a session expires under the current `session_lifetime`. Unix seconds. */
export function endOfSession({ expiresAt, startedAt }: SessionRow, capSeconds: number | null): number {
  return Math.min(expiresAt, startedAt + (capSeconds ?? Number.POSITIVE_INFINITY))
}

/**
 * SQL for when the last access token of a row was issued: by the sign-in, by the last refresh, by a retry of the refresh or by a use
 * that left the refresh token valid.
 *
 * @param parameters The SQL parameters of the present second and of the retry window in seconds.
 */
export function lastIssuedAt({ now, retryWindow }: { now: string; retryWindow: string }): string {
  return `max(iif(seq = 0, started_at, min(${now}, rotated_at + ${retryWindow})), min(${now}, coalesce(issues_until, 0)))`
}

/** Whether `lastIssuedAt` includes an access token that the session issues at `now` without a change of its row. */
export function includesIssue(
  { seq, startedAt, rotatedAt, issuesUntil }: SessionRow,
  { now, retryWindowSeconds }: { now: number; retryWindowSeconds: number },
): boolean {
  return now <= Math.max(seq === 0 ? startedAt : rotatedAt + retryWindowSeconds, issuesUntil ?? 0)
}

/** @throws CorruptRecord */
export function decodeSessionRow(sid: string, value: unknown): SessionRow {
  const record = `session ${sid}`
  const row = decodeRecord(rowSchema, record, value)
  const times = parseJsonColumn(record, row.rotation_times ?? '{}')
  return {
    seq: row.seq,
    startedAt: row.started_at,
    rotatedAt: row.rotated_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    endReason: row.end_reason,
    issuesUntil: row.issues_until,
    rotationTimes: decodeRecord(rotationTimesSchema, record, times),
  }
}
