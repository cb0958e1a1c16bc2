import { callStore } from '../lib/storage_error.ts'
import { SESSION_MARGIN_SECONDS, sessionRevocationTime } from './revocation_store.ts'
import type { EndReason } from './session.ts'
import type { TokenLifetimes } from './session_store.ts'

/**
 * The browser session in which sessions began, or the consent under which they began. `loggedOutBrowserId` is a browser session
 * without its sessions under a consent: they last until the consent is withdrawn.
 */
export type SessionOrigin = { browserId: string } | { loggedOutBrowserId: string } | { consentId: string }

function conditionOf(origin: SessionOrigin): { condition: string; id: string } {
  if ('browserId' in origin) return { condition: 'browser_id = ?1', id: origin.browserId }
  if ('consentId' in origin) return { condition: 'consent_id = ?1', id: origin.consentId }
  return { condition: 'browser_id = ?1 AND consent_id IS NULL', id: origin.loggedOutBrowserId }
}

/** Ends sessions of one shard in D1 by their origin. */
export class SessionEndingStore {
  readonly #db: D1Database
  readonly #lifetimes: TokenLifetimes

  constructor(db: D1Database, lifetimes: TokenLifetimes) {
    this.#db = db
    this.#lifetimes = lifetimes
  }

  /**
   * Ends up to `limit` live sessions of an origin and adds them to the revocation feed, in one transaction.
   *
   * @returns how many sessions this call ended
   * @throws StorageUnavailable
   */
  async endBegun(
    origin: SessionOrigin,
    { reason, limit }: { reason: EndReason; limit: number },
    now: number,
  ): Promise<number> {
    const { condition, id } = conditionOf(origin)
    const end = this.#db
      .prepare(
        `UPDATE sessions SET ended_at = ?2, end_reason = ?3 WHERE sid IN
           (SELECT sid FROM sessions WHERE ${condition} AND ended_at IS NULL AND keep_until > ?2 LIMIT ?4)
         RETURNING sid`,
      )
      .bind(id, now, reason, limit)
    const { longestAccessTokenSeconds, refreshRetryWindowSeconds } = this.#lifetimes
    // A session of an API that config.yml no longer has can have tokens of any lifetime.
    const lifetime = 'coalesce((SELECT value FROM json_each(?8) WHERE key = api), ?5) + ?7'
    const listing = this.#db
      .prepare(
        `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
         SELECT 'sid', sid, ?4, ?3, ?2, last_issued_at + lifetime, client_id
         FROM (SELECT sid, client_id, ${lifetime} AS lifetime, iif(seq = 0, started_at, min(?2, rotated_at + ?6)) AS last_issued_at
           FROM sessions WHERE ${condition} AND ended_at = ?2 AND end_reason = ?3)
         WHERE last_issued_at + lifetime > ?2
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        ...[id, now, reason, sessionRevocationTime(now)],
        ...[longestAccessTokenSeconds, refreshRetryWindowSeconds, SESSION_MARGIN_SECONDS],
        JSON.stringify(this.#accessTokenSeconds()),
      )
    const [ended] = await callStore('D1 sessions', () => this.#db.batch([end, listing]))
    return ended?.results.length ?? 0
  }

  /** The lifetime of an access token by the name of its API. */
  #accessTokenSeconds(): Record<string, number> {
    const lifetimes = [...this.#lifetimes.apis].map(([name, api]) => [name, api.accessTokenLifetimeSeconds])
    return Object.fromEntries(lifetimes)
  }

  /** Whether a session began in a browser session. @throws StorageUnavailable */
  async isBegunIn(sid: string, browserId: string): Promise<boolean> {
    const select = this.#db
      .prepare('SELECT 1 FROM sessions WHERE sid = ? AND browser_id = ?')
      .bind(sid, browserId)
    return (await callStore('D1 sessions', () => select.first())) !== null
  }
}
