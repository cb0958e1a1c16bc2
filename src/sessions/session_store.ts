import type { RefreshRules } from '../clients/refresh_rules.ts'
import type { Config } from '../config/config.ts'
import { callStore } from '../lib/storage_error.ts'
import type { SqlDatabase, SqlResult, SqlStatement } from '../storage/sql_database.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { HolderQuery } from './holder_conditions.ts'
import {
  decodeHolder,
  guardFor,
  type Holder,
  type HolderGuard,
  type HolderStore,
  NO_GUARD,
} from './holder_store.ts'
import { judgeRotation, type RotationOutcome } from './judge_rotation.ts'
import { SESSION_MARGIN_SECONDS, sessionRevocationTime } from './revocation_store.ts'
import {
  decodeSessionRow,
  type EndReason,
  includesIssue,
  lastIssuedAt,
  type SessionIdentity,
  type SessionRow,
} from './session.ts'

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
  holder: Holder
  /** Null if the holder has a problem. */
  outcome: RotationOutcome | null
  /** The second in which the holder was known to be current. Unix seconds. */
  knownAt: number
}

/** The settings that limit the lifetime of a session's access tokens. */
export type TokenLifetimes = Pick<Config, 'apis' | 'longestAccessTokenSeconds' | 'refreshRetryWindowSeconds'>

const SELECT_SESSION = `SELECT seq, started_at, rotated_at, expires_at, ended_at, end_reason, issues_until, rotation_times
  FROM sessions WHERE sid = ?`

/** The most refreshes whose time a row has. An older token is not good for a retry. */
const MAX_ROTATION_TIMES = 32

/** Adds the time `?2` of a refresh to the times in a row, and removes the oldest one. */
const ADD_ROTATION_TIME = `rotation_times = json_remove(
  json_set(coalesce(rotation_times, '{}'), '$."' || (seq + 1) || '"', ?2), '$."' || (seq + 1 - ${MAX_ROTATION_TIMES}) || '"')`

/**
 * The sessions of one shard or object. A session gets its row at its first refresh or at its end. `seq` in the row is the number
 * of the current refresh token.
 */
export class SessionStore {
  readonly #db: SqlDatabase
  readonly #holders: HolderStore
  readonly #lifetimes: TokenLifetimes

  constructor(db: SqlDatabase, holders: HolderStore, lifetimes: TokenLifetimes) {
    this.#db = db
    this.#holders = holders
    this.#lifetimes = lifetimes
  }

  /**
   * Reads a session and the holder of its token.
   *
   * @returns `row` is null if the session has no row
   * @throws StorageUnavailable, CorruptRecord
   */
  async findWithHolder(sid: string, query: HolderQuery): Promise<{ holder: Holder; row: SessionRow | null }> {
    const select = this.#select(sid)
    if (!this.#holders.isIn(this.#db)) {
      const [holder, found] = await Promise.all([
        this.#holders.find(query),
        callStore('D1 sessions', () => select.first()),
      ])
      return { holder, row: found === null ? null : decodeSessionRow(sid, found) }
    }
    const [holderResult, found] = await callStore('D1 sessions', () =>
      this.#db.batch([this.#holders.select(query), select]),
    )
    return { holder: decodeHolder(holderResult?.results[0]), row: decodeFound(sid, found) }
  }

  /**
   * Uses the refresh token `seq` of a session. If the holder has a problem, the token stays unused.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async use(rotation: Rotation, query: HolderQuery): Promise<RotationResult> {
    const { holder, advanced, row } =
      rotation.policy === 'fixed'
        ? { ...(await this.findWithHolder(rotation.sid, query)), advanced: false }
        : await this.#rotate(rotation, query)
    // The holder was read from D1 for this use.
    const knownAt = rotation.now
    if (holder.problem !== null) return { holder, outcome: null, knownAt }
    const outcome = judgeRotation({ ...rotation, advanced, row })
    const isIncluded = row === null || includesIssue(row, { ...rotation, ...this.#retryWindow })
    if (isIncluded || (outcome.kind !== 'retried' && outcome.kind !== 'kept'))
      return { holder, outcome, knownAt }
    const issuesUntil = outcome.kind === 'kept' ? outcome.expiresAt : rotation.now
    const isLive = await this.#extendIssues(rotation.sid, issuesUntil)
    return { holder, outcome: isLive ? outcome : ENDED_MEANWHILE, knownAt }
  }

  get #retryWindow(): { retryWindowSeconds: number } {
    return { retryWindowSeconds: this.#lifetimes.refreshRetryWindowSeconds }
  }

  /**
   * Advances the session in one atomic statement, if `seq` is its current token, so that only one of several parallel requests
   * advances it. The same transaction then reads the row, which distinguishes a retry from theft.
   */
  async #rotate(
    rotation: Rotation,
    query: HolderQuery,
  ): Promise<{ holder: Holder; advanced: boolean; row: SessionRow | null }> {
    const select = this.#select(rotation.sid)
    if (!this.#holders.isIn(this.#db)) {
      const holder = await this.#holders.find(query)
      if (holder.problem !== null) return { holder, advanced: false, row: null }
      const [advanced, found] = await callStore('D1 sessions', () =>
        this.#db.batch([this.#advance(rotation, NO_GUARD), select]),
      )
      return { holder, advanced: hasRow(advanced), row: decodeFound(rotation.sid, found) }
    }
    const [holderResult, advanced, found] = await callStore('D1 sessions', () =>
      this.#db.batch([this.#holders.select(query), this.#advance(rotation, guardFor(query)), select]),
    )
    const holder = decodeHolder(holderResult?.results[0])
    return { holder, advanced: hasRow(advanced), row: decodeFound(rotation.sid, found) }
  }

  /**
   * Records that the session issues access tokens until a second, for the revocation feed.
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

  #select(sid: string): SqlStatement {
    return this.#db.prepare(SELECT_SESSION).bind(sid)
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
         RETURNING seq`,
      )
      .bind(
        ...[guard.query, sid, subject, clientId, api, startedAt, now, expiresAt, tokenExpiresAt],
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
         RETURNING seq`,
      )
      .bind(guard.query, now, expiresAt, sessionLifetimeSeconds, sid, seq)
  }

  /**
   * Ends a session and adds it to the revocation feed, in one transaction. The feed does not list a session whose last
   * access token has expired. The feed lists a guest's session only if an operator ends it, because an attacker could fill
   * the list with guests. A guest's token has no rights that a new guest lacks.
   *
   * @returns whether this call ended the session. Only one of several parallel calls returns true.
   * @throws StorageUnavailable
   */
  async end(session: SessionIdentity, reason: EndReason, now: number): Promise<boolean> {
    const { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt, issuesUntil = null } = session
    const end = this.#db
      .prepare(
        `INSERT INTO sessions
           (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, ended_at, end_reason, issues_until)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, max(?7, ?9), ?6, ?8, ?10)
         ON CONFLICT (sid) DO UPDATE SET ended_at = ?6, end_reason = ?8 WHERE ended_at IS NULL RETURNING sid`,
      )
      .bind(sid, subject, clientId, api, startedAt, now, expiresAt, reason, tokenExpiresAt, issuesUntil)
    const isListed = reason.startsWith('ended by ') || !isVisitorId(subject)
    const listing = isListed ? [this.#listEnded(session, reason, now)] : []
    const [ended] = await callStore('D1 sessions', () => this.#db.batch([end, ...listing]))
    return hasRow(ended)
  }

  /** Makes a statement that lists the session, if the previous statement ended it. */
  #listEnded({ sid, api }: SessionIdentity, reason: EndReason, now: number): SqlStatement {
    const { apis, longestAccessTokenSeconds, refreshRetryWindowSeconds } = this.#lifetimes
    const accessTokenSeconds = apis.get(api)?.accessTokenLifetimeSeconds ?? longestAccessTokenSeconds
    return this.#db
      .prepare(
        `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
         SELECT 'sid', sid, ?2, ?3, ?4, last_issued_at + ?5, client_id
         FROM (SELECT sid, client_id, ${lastIssuedAt({ now: '?4', retryWindow: '?6' })} AS last_issued_at
           FROM sessions WHERE sid = ?1)
         WHERE changes() > 0 AND last_issued_at + ?5 > ?4
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        ...[sid, sessionRevocationTime(now), reason, now],
        ...[accessTokenSeconds + SESSION_MARGIN_SECONDS, refreshRetryWindowSeconds],
      )
  }

  /** Removes up to `limit` sessions whose last token has expired. @returns how many @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare('DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE keep_until <= ? LIMIT ?)')
      .bind(now, limit)
    const { meta } = await callStore('D1 sessions', () => sweep.run())
    return meta.changes
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

/** @throws CorruptRecord */
function decodeFound(sid: string, found: SqlResult | undefined): SessionRow | null {
  const row = found?.results[0]
  return row === undefined ? null : decodeSessionRow(sid, row)
}
