import { callStore } from '../lib/storage_error.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import {
  decodeHolder,
  guardFor,
  type Holder,
  type HolderGuard,
  type HolderQuery,
  type HolderStore,
  NO_GUARD,
} from './holder_store.ts'
import type { SessionIdentity } from './session.ts'

/** A session that begins at the exchange of an authorization code. Times are Unix seconds. */
export interface SessionOpening extends SessionIdentity {
  /** The browser session in which the user signed in; null for a visitor. */
  browserId: string | null
  /** The consent under which the session begins; null for a first-party client. */
  consentId: string | null
}

/** Opens sessions of one shard in D1: inserts their rows at seq 0. */
export class SessionOpeningStore {
  readonly #db: D1Database
  readonly #holders: HolderStore

  constructor(db: D1Database, holders: HolderStore) {
    this.#db = db
    this.#holders = holders
  }

  /**
   * Inserts the row of a session in one atomic statement, so that a code works once. If the holder has a problem, the store
   * inserts nothing.
   *
   * @param alongside Statements for the main database, such as the consent of the user. They do not depend on the insertion.
   * @returns `isFirst`: whether this call inserted the row
   * @throws StorageUnavailable, CorruptRecord
   */
  async open(
    opening: SessionOpening,
    query: HolderQuery,
    alongside: Statements,
  ): Promise<{ holder: Holder; isFirst: boolean }> {
    if (this.#holders.isIn(this.#db)) {
      const insertion = this.#insert(opening, guardFor(query))
      const [holderResult, inserted] = await callStore('D1 sessions', () =>
        this.#db.batch([this.#holders.select(query), insertion, ...alongside]),
      )
      return { holder: decodeHolder(holderResult?.results[0]), isFirst: hasRow(inserted) }
    }
    const holder = await this.#holders.find(query, alongside)
    if (holder.problem !== null) return { holder, isFirst: false }
    const insertion = this.#insert(opening, NO_GUARD)
    const { results } = await callStore('D1 sessions', () => insertion.run())
    return { holder, isFirst: results.length > 0 }
  }

  /**
   * Inserts the row of a session that has already ended, so that its code works no more. No token of the session exists.
   *
   * @returns whether this call inserted the row
   * @throws StorageUnavailable
   */
  async close(session: SessionIdentity, reason: string, now: number): Promise<boolean> {
    const { sid, subject, clientId, api, startedAt, expiresAt } = session
    const insertion = this.#db
      .prepare(
        `INSERT INTO sessions
           (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, ended_at, end_reason)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?7, ?6, ?8) ON CONFLICT DO NOTHING RETURNING sid`,
      )
      .bind(sid, subject, clientId, api, startedAt, now, expiresAt, reason)
    const { results } = await callStore('D1 sessions', () => insertion.run())
    return results.length > 0
  }

  #insert(opening: SessionOpening, guard: HolderGuard): D1PreparedStatement {
    const { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt } = opening
    const { browserId, consentId } = opening
    return this.#db
      .prepare(
        `INSERT INTO sessions
           (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, browser_id, consent_id)
         SELECT ?2, ?3, ?4, ?5, 0, ?6, ?6, ?7, max(?7, ?8), ?9, ?10 WHERE ${guard.sql}
         ON CONFLICT DO NOTHING RETURNING sid`,
      )
      .bind(
        ...[guard.query, sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt],
        ...[browserId, consentId],
      )
  }
}

function hasRow(result: D1Result | undefined): boolean {
  return result !== undefined && result.results.length > 0
}
