import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { SqlDatabase } from '../storage/sql_database.ts'
import { SESSION_MARGIN_SECONDS, sessionRevocationTime } from './revocation_store.ts'
import { type EndReason, lastIssuedAt } from './session.ts'
import type { TokenLifetimes } from './session_store.ts'

/**
 * The browser sessions in which sessions began, or the consents under which they began. `loggedOutBrowserIds` are browser sessions
 * without their sessions under a consent: those last until the consent is withdrawn.
 */
export type SessionOrigin =
  | { browserIds: readonly string[] }
  | { loggedOutBrowserIds: readonly string[] }
  | { consentIds: readonly string[] }

const sidsSchema = z.array(z.object({ sid: z.string() }))

const IS_BEGUN = 'browser_id IN (SELECT value FROM json_each(?1))'

/** The condition on the columns `browser_id` and `consent_id`, and its parameter `?1`. */
export function originSql(origin: SessionOrigin): { condition: string; ids: string } {
  if ('consentIds' in origin)
    return {
      condition: 'consent_id IN (SELECT value FROM json_each(?1))',
      ids: JSON.stringify(origin.consentIds),
    }
  if ('browserIds' in origin) return { condition: IS_BEGUN, ids: JSON.stringify(origin.browserIds) }
  const ids = JSON.stringify(origin.loggedOutBrowserIds)
  return { condition: `${IS_BEGUN} AND consent_id IS NULL`, ids }
}

/** Ends sessions of one shard or object by their origin. */
export class SessionEndingStore {
  readonly #db: SqlDatabase
  readonly #lifetimes: TokenLifetimes

  constructor(db: SqlDatabase, lifetimes: TokenLifetimes) {
    this.#db = db
    this.#lifetimes = lifetimes
  }

  /**
   * Ends up to `limit` live sessions of an origin and adds them to the revocation feed, in one transaction.
   *
   * @returns the sids of the sessions that this call ended
   * @throws StorageUnavailable
   */
  async endBegun(
    origin: SessionOrigin,
    { reason, limit }: { reason: EndReason; limit: number },
    now: number,
  ): Promise<string[]> {
    const { condition, ids } = originSql(origin)
    const end = this.#db
      .prepare(
        `UPDATE sessions SET ended_at = ?2, end_reason = ?3 WHERE sid IN
           (SELECT sid FROM sessions WHERE ${condition} AND ended_at IS NULL AND keep_until > ?2 LIMIT ?4)
         RETURNING sid`,
      )
      .bind(ids, now, reason, limit)
    const { longestAccessTokenSeconds, refreshRetryWindowSeconds } = this.#lifetimes
    // A session of an API that config.yml no longer has can have tokens of any lifetime.
    const lifetime = 'coalesce((SELECT value FROM json_each(?8) WHERE key = api), ?5) + ?7'
    const listing = this.#db
      .prepare(
        `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
         SELECT 'sid', sid, ?4, ?3, ?2, last_issued_at + lifetime, client_id
         FROM (SELECT sid, client_id, ${lifetime} AS lifetime,
             ${lastIssuedAt({ now: '?2', retryWindow: '?6' })} AS last_issued_at
           FROM sessions WHERE ${condition} AND ended_at = ?2 AND end_reason = ?3)
         WHERE last_issued_at + lifetime > ?2
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        ids,
        now,
        reason,
        sessionRevocationTime(now),
        longestAccessTokenSeconds,
        refreshRetryWindowSeconds,
        SESSION_MARGIN_SECONDS,
        JSON.stringify(this.#accessTokenSeconds()),
      )
    const [ended] = await callStore('D1 sessions', () => this.#db.batch([end, listing]))
    return decodeRecord(sidsSchema, 'sessions', ended?.results).map(({ sid }) => sid)
  }

  /** The lifetime of an access token by the name of its API. */
  #accessTokenSeconds(): Record<string, number> {
    const lifetimes = [...this.#lifetimes.apis].map(([name, api]) => [name, api.accessTokenLifetimeSeconds])
    return Object.fromEntries(lifetimes)
  }

  /** Whether a session began in one of the browser sessions. @throws StorageUnavailable */
  async isBegunIn(sid: string, browserIds: readonly string[]): Promise<boolean> {
    const select = this.#db
      .prepare(`SELECT 1 FROM sessions WHERE sid = ?2 AND ${IS_BEGUN}`)
      .bind(JSON.stringify(browserIds), sid)
    return (await callStore('D1 sessions', () => select.first())) !== null
  }
}
