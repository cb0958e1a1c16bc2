import type { RefreshRules } from '../clients/refresh_rules.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { SqlDatabase, SqlResult, SqlStatement } from '../storage/sql_database.ts'
import type { Holder, HolderCheck, HolderGuard } from './holder_check.ts'
import type { HolderQuery } from './holder_conditions.ts'
import { judgeRotation, type RotationOutcome } from './judge_rotation.ts'
import { decodeSessionRow, includesIssue, type SessionIdentity } from './session.ts'
import { SESSION_COLUMNS, selectSession, type TokenLifetimes } from './session_store.ts'

/** One use of a refresh token. Times are Unix seconds. */
export interface Rotation extends SessionIdentity, RefreshRules {
  /** The number of the token that is used. */
  seq: number
  now: number
  /** The maximum lifetime of a session from its start; null without a limit. */
  sessionLifetimeSeconds: number | null
}

/** The result of one use of a refresh token. */
export interface RotationResult {
  /** The client and the user of the token. */
  holder: Holder
  /** Null if the client or the user has a problem. */
  outcome: RotationOutcome | null
  /** The time at which the data of the holder were known to be up to date, in Unix seconds. */
  knownAt: number
}

/** Uses the refresh tokens of sessions. */
export interface SessionRotations {
  /**
   * Uses the refresh token `seq` of a session. If the holder has a problem, the token stays unused.
   *
   * @param context Its `waitUntil` keeps a shared call alive if the client of this request disconnects.
   * @throws StorageUnavailable, CorruptRecord
   */
  use(
    rotation: Rotation,
    query: HolderQuery,
    context: Pick<RequestContext, 'waitUntil'>,
  ): Promise<RotationResult>
  /** Starts the reads that a later `use` needs, while the caller does other work. Absent if `use` needs no such reads. @param now Unix seconds */
  prepare?(now: number): Promise<void>
}

/** The maximum number of refreshes whose times a row stores. A token from before these refreshes is not good for a retry. */
const MAX_ROTATION_TIMES = 32

/** Adds the time `?2` of a refresh to `rotation_times` of the session's row, and removes the oldest time. */
const ADD_ROTATION_TIME = `rotation_times = json_remove(
  json_set(coalesce(rotation_times, '{}'), '$."' || (seq + 1) || '"', ?2), '$."' || (seq + 1 - ${MAX_ROTATION_TIMES}) || '"')`

/** Uses the refresh tokens of the sessions in one shard or object. */
export class SessionRotationStore implements SessionRotations {
  readonly #db: SqlDatabase
  readonly #holders: HolderCheck
  readonly #retryWindowSeconds: number

  constructor(
    db: SqlDatabase,
    holders: HolderCheck,
    { refreshRetryWindowSeconds }: Pick<TokenLifetimes, 'refreshRetryWindowSeconds'>,
  ) {
    this.#db = db
    this.#holders = holders
    this.#retryWindowSeconds = refreshRetryWindowSeconds
  }

  async use(rotation: Rotation, query: HolderQuery): Promise<RotationResult> {
    const { sid, now } = rotation
    const select = selectSession(this.#db, sid)
    const isFixed = rotation.policy === 'fixed'
    const { holder, knownAt, results } = await (isFixed
      ? this.#holders.read(query, select)
      : this.#rotate(rotation, query, select))
    if (holder.problem !== null) return { holder, outcome: null, knownAt }
    const [found] = results.flatMap((result) => result.results)
    const row = found === undefined ? null : decodeSessionRow(sid, found)
    const advanced = !isFixed && hasRow(results[0])
    const outcome = judgeRotation({ ...rotation, advanced, row })
    const retryWindowSeconds = this.#retryWindowSeconds
    const isIncluded = row === null || includesIssue(row, { now, retryWindowSeconds })
    if (isIncluded || (outcome.kind !== 'retried' && outcome.kind !== 'kept'))
      return { holder, outcome, knownAt }
    const issuesUntil = outcome.kind === 'kept' ? outcome.expiresAt : now
    const isLive = await this.#extendIssues(sid, issuesUntil)
    return { holder, outcome: isLive ? outcome : ENDED_MEANWHILE, knownAt }
  }

  /**
   * Advances the session in one atomic statement, if `seq` is its current token, so that only one of several parallel requests
   * advances it. Otherwise a second statement reads the row, which distinguishes a retry from theft.
   */
  #rotate(rotation: Rotation, query: HolderQuery, select: SqlStatement) {
    return this.#holders.change(query, (guard) => this.#advance(rotation, guard), select)
  }

  /**
   * Writes `issuesUntil` into the row, for the revocation feed: the session issues access tokens until this time.
   *
   * @returns false if the session has ended since it was read
   */
  async #extendIssues(sid: string, issuesUntil: number): Promise<boolean> {
    const extend = this.#db
      .prepare(
        `UPDATE sessions SET issues_until = max(coalesce(issues_until, 0), ?2) WHERE sid = ?1 AND ended_at IS NULL
         RETURNING sid`,
      )
      .bind(sid, issuesUntil)
    return hasRow(await callStore('D1 sessions', () => extend.run()))
  }

  #advance(rotation: Rotation, guard: HolderGuard): SqlStatement {
    return rotation.seq === 0 ? this.#insertFirst(rotation, guard) : this.#updateNext(rotation, guard)
  }

  #insertFirst(rotation: Rotation, guard: HolderGuard): SqlStatement {
    const { sid, subject, clientId, api, startedAt, now, expiresAt, tokenExpiresAt } = rotation
    const { sessionLifetimeSeconds } = rotation
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
         SELECT ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, max(?8, ?9) WHERE ${guard.sql}
         ON CONFLICT (sid) DO UPDATE SET seq = 1, rotated_at = ?7, expires_at = min(?8, coalesce(started_at + ?10, ?8)),
           keep_until = max(keep_until, ?8)
         WHERE seq = 0 AND ended_at IS NULL AND expires_at > ?7 AND (?10 IS NULL OR started_at + ?10 > ?7)
         RETURNING ${SESSION_COLUMNS}`,
      )
      .bind(
        guard.query,
        sid,
        subject,
        clientId,
        api,
        startedAt,
        now,
        expiresAt,
        tokenExpiresAt,
        sessionLifetimeSeconds,
      )
  }

  #updateNext(rotation: Rotation, guard: HolderGuard): SqlStatement {
    const { sid, seq, now, expiresAt, sessionLifetimeSeconds, policy } = rotation
    return this.#db
      .prepare(
        `UPDATE sessions SET seq = seq + 1, rotated_at = ?2, expires_at = min(?3, coalesce(started_at + ?4, ?3)),
           keep_until = max(keep_until, ?3)${policy === 'until_used' ? `, ${ADD_ROTATION_TIME}` : ''}
         WHERE sid = ?5 AND seq = ?6 AND ended_at IS NULL AND expires_at > ?2
           AND (?4 IS NULL OR started_at + ?4 > ?2) AND ${guard.sql}
         RETURNING ${SESSION_COLUMNS}`,
      )
      .bind(guard.query, now, expiresAt, sessionLifetimeSeconds, sid, seq)
  }
}

const ENDED_MEANWHILE: RotationOutcome = {
  kind: 'refused',
  cause: 'ended_session',
  reason: 'the session ended during the refresh',
}

function hasRow(result: SqlResult | undefined): boolean {
  return result !== undefined && result.results.length > 0
}
