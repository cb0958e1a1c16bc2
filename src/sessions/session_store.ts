import { callStore } from '../lib/storage_error.ts'
import { sessionCutoffTime } from './cutoff_store.ts'
import { judgeRotation, type RotationOutcome } from './judge_rotation.ts'
import { decodeSessionRow, type EndReason, type SessionIdentity, type SessionRow } from './session.ts'

/** One use of a refresh token. Times are Unix seconds. */
export interface Rotation extends SessionIdentity {
  /** The number of the token that is used. */
  seq: number
  now: number
  retryWindowSeconds: number
  /** The longest that the session may live from its start; null where there is no cap. */
  sessionLifetimeSeconds: number | null
}

const SELECT_SESSION =
  'SELECT seq, started_at, rotated_at, expires_at, ended_at, end_reason FROM sessions WHERE sid = ?'

/**
 * The sessions of one shard, of record in D1. A session has no row until it is first refreshed or ended, and then one
 * whose `seq` is that of the one refresh token that is current.
 */
export class SessionStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async find(sid: string): Promise<SessionRow | null> {
    const row = await callStore('D1 sessions', () => this.#db.prepare(SELECT_SESSION).bind(sid).first())
    return row === null ? null : decodeSessionRow(sid, row)
  }

  /**
   * Uses up the refresh token `seq` of a session, in one atomic statement: of all who present the same token,
   * wherever they are, one wins. The row read after it, in the same transaction, tells the others what they are.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async rotate(rotation: Rotation): Promise<RotationOutcome> {
    const { sid, seq, now, retryWindowSeconds, sessionLifetimeSeconds } = rotation
    const advance = seq === 0 ? this.#insertFirst(rotation) : this.#advance(rotation)
    const look = this.#db.prepare(SELECT_SESSION).bind(sid)
    const [advanced, found] = await callStore('D1 sessions', () => this.#db.batch([advance, look]))
    const row = found?.results[0]
    return judgeRotation({
      seq,
      now,
      retryWindowSeconds,
      sessionLifetimeSeconds,
      advanced: advanced !== undefined && advanced.results.length > 0,
      row: row === undefined ? null : decodeSessionRow(sid, row),
    })
  }

  #insertFirst(rotation: Rotation): D1PreparedStatement {
    const { sid, subject, clientId, api, startedAt, now, expiresAt, tokenExpiresAt } = rotation
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, max(?7, ?8)) ON CONFLICT DO NOTHING RETURNING seq`,
      )
      .bind(sid, subject, clientId, api, startedAt, now, expiresAt, tokenExpiresAt)
  }

  #advance({ sid, seq, now, expiresAt, sessionLifetimeSeconds }: Rotation): D1PreparedStatement {
    return this.#db
      .prepare(
        `UPDATE sessions SET seq = seq + 1, rotated_at = ?1, expires_at = min(?2, coalesce(started_at + ?3, ?2)),
           keep_until = max(keep_until, ?2)
         WHERE sid = ?4 AND seq = ?5 AND ended_at IS NULL AND expires_at > ?1
           AND (?3 IS NULL OR started_at + ?3 > ?1)
         RETURNING seq`,
      )
      .bind(now, expiresAt, sessionLifetimeSeconds, sid, seq)
  }

  /**
   * Ends a session and lists it for the revocation feed, in one transaction.
   *
   * @returns Whether this call ended it: of all who try at once, one did
   * @throws StorageUnavailable
   */
  async end(session: SessionIdentity, reason: EndReason, now: number): Promise<boolean> {
    const { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt } = session
    const end = this.#db
      .prepare(
        `INSERT INTO sessions
           (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, ended_at, end_reason)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, max(?7, ?9), ?6, ?8)
         ON CONFLICT (sid) DO UPDATE SET ended_at = ?6, end_reason = ?8 WHERE ended_at IS NULL RETURNING sid`,
      )
      .bind(sid, subject, clientId, api, startedAt, now, expiresAt, reason, tokenExpiresAt)
    const list = this.#db
      .prepare(
        `INSERT INTO cutoffs (kind, value, before, reason, created_at) VALUES ('sid', ?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING`,
      )
      .bind(sid, sessionCutoffTime(now), reason, now)
    const [ended] = await callStore('D1 sessions', () => this.#db.batch([end, list]))
    return ended !== undefined && ended.results.length > 0
  }

  /** Removes up to `limit` sessions whose last token has expired. Returns how many. @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare('DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE keep_until <= ? LIMIT ?)')
      .bind(now, limit)
    const { meta } = await callStore('D1 sessions', () => sweep.run())
    return meta.changes
  }
}
