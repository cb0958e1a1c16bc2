import type { Config } from '../config/config.ts'
import { callStore } from '../lib/storage_error.ts'
import type { SqlDatabase, SqlResult, SqlStatement } from '../storage/sql_database.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Holder } from './holder_check.ts'
import type { HolderQuery } from './holder_conditions.ts'
import type { HolderStore } from './holder_store.ts'
import { SESSION_MARGIN_SECONDS, sessionRevocationTime } from './revocation_store.ts'
import {
  decodeSessionRow,
  type EndReason,
  lastIssuedAt,
  type SessionIdentity,
  type SessionRow,
} from './session.ts'

/** The settings that limit the lifetime of a session's access tokens. */
export type TokenLifetimes = Pick<Config, 'apis' | 'longestAccessTokenSeconds' | 'refreshRetryWindowSeconds'>

/** The columns that `decodeSessionRow` decodes. */
export const SESSION_COLUMNS =
  'seq, started_at, rotated_at, expires_at, ended_at, end_reason, issues_until, rotation_times'

/** Makes a statement that reads the row of a session. */
export function selectSession(db: SqlDatabase, sid: string): SqlStatement {
  return db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions WHERE sid = ?`).bind(sid)
}

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
    const select = selectSession(this.#db, sid)
    const { holder, results } = await this.#holders.checkFor(this.#db).read(query, select)
    const found = results[0]?.results[0]
    return { holder, row: found === undefined ? null : decodeSessionRow(sid, found) }
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
        sid,
        sessionRevocationTime(now),
        reason,
        now,
        accessTokenSeconds + SESSION_MARGIN_SECONDS,
        refreshRetryWindowSeconds,
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

function hasRow(result: SqlResult | undefined): boolean {
  return result !== undefined && result.results.length > 0
}
