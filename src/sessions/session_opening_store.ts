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
import type { EndReason, SessionIdentity } from './session.ts'

/** A session that begins at the exchange of an authorization code. Times are Unix seconds. */
export interface SessionOpening extends SessionIdentity {
  /** The browser session in which the user signed in; null for a visitor. */
  browserId: string | null
  /** The consent under which the session begins; null for a first-party client. */
  consentId: string | null
  /** A random id of the request that opens the session. */
  openingId: string
}

/** The session of a guest that ends when a customer's session opens. Times are Unix seconds. */
export interface GuestEnd {
  subject: string
  sid: string
  endedAt: number
  expiresAt: number
}

/** What a transaction does besides the insertion. */
interface Companions {
  /** Statements for the main database, such as the consent of the user. They do not depend on the insertion. */
  alongside: Statements
  guest: GuestEnd | null
}

/** The result of an opening. */
export interface Opening {
  holder: Holder
  /** Whether this request inserted the row. */
  isFirst: boolean
  /** Whether this request ended the session of the guest. */
  isMerged: boolean
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
   * inserts nothing. The session of a guest of this shard ends in the same transaction.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async open(
    opening: SessionOpening,
    query: HolderQuery,
    { alongside, guest }: Companions,
  ): Promise<Opening> {
    const merge = guest === null ? [] : [this.#endGuest(guest, opening, IF_OPENED)]
    if (this.#holders.isIn(this.#db)) {
      const statements = [this.#holders.select(query), this.#insert(opening, guardFor(query))]
      const [holderResult, inserted, ...rest] = await callStore('D1 sessions', () =>
        this.#db.batch([...statements, ...merge, ...alongside]),
      )
      const holder = decodeHolder(holderResult?.results[0])
      return { holder, isFirst: hasRow(inserted), isMerged: guest !== null && hasRow(rest[0]) }
    }
    const holder = await this.#holders.find(query, alongside)
    if (holder.problem !== null) return { holder, isFirst: false, isMerged: false }
    const [inserted, ended] = await callStore('D1 sessions', () =>
      this.#db.batch([this.#insert(opening, NO_GUARD), ...merge]),
    )
    return { holder, isFirst: hasRow(inserted), isMerged: hasRow(ended) }
  }

  /**
   * Opens a session as `open`, after the session of a guest of another shard has ended. The order lets a retry of the code merge
   * the guest after a failure between the two writes.
   *
   * @param endGuest Ends the session of the guest. @returns whether it ended for this session
   * @throws StorageUnavailable, CorruptRecord
   */
  async openAfter(
    endGuest: () => Promise<boolean>,
    opening: SessionOpening,
    { query, alongside }: { query: HolderQuery; alongside: Statements },
  ): Promise<Opening> {
    const holder = await this.#holders.find(query)
    if (holder.problem !== null) return { holder, isFirst: false, isMerged: false }
    const isMerged = await endGuest()
    const opened = await this.open(opening, query, { alongside, guest: null })
    return { ...opened, isMerged: opened.isFirst && isMerged }
  }

  /** Ends the session of a guest for a session of another shard. @returns whether it ended for this session @throws StorageUnavailable */
  async endGuest(guest: GuestEnd, opening: SessionOpening): Promise<boolean> {
    const statement = this.#endGuest(guest, opening, 'TRUE')
    const { results } = await callStore('D1 sessions', () => statement.run())
    return results.length > 0
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

  /** Another request that has the row makes the condition of the conflict false. A repetition of this request finds its own row. */
  #insert(opening: SessionOpening, guard: HolderGuard): D1PreparedStatement {
    const { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt } = opening
    const { browserId, consentId, openingId } = opening
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until,
           browser_id, consent_id, opening_id)
         SELECT ?2, ?3, ?4, ?5, 0, ?6, ?6, ?7, max(?7, ?8), ?9, ?10, ?11 WHERE ${guard.sql}
         ON CONFLICT (sid) DO UPDATE SET opening_id = ?11 WHERE opening_id = ?11 AND ended_at IS NULL RETURNING sid`,
      )
      .bind(
        ...[guard.query, sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt],
        ...[browserId, consentId, openingId],
      )
  }

  /**
   * A guest's session may have no row. The code names only its subject and its id, so a new row has the client of the code. The
   * row records the customer's session, so that a retry of the code finds its own merge.
   *
   * @param condition SQL that uses `?5`, the customer's session, and `?6`, the id of its opening
   */
  #endGuest(guest: GuestEnd, opening: SessionOpening, condition: string): D1PreparedStatement {
    const { sid, clientId, api, openingId } = opening
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until,
           ended_at, end_reason, merged_into)
         SELECT ?1, ?2, ?3, ?4, 0, ?7, ?7, ?8, ?8, ?7, ?9, ?5 WHERE ${condition}
         ON CONFLICT (sid) DO UPDATE SET ended_at = ?7, end_reason = ?9, merged_into = ?5
           WHERE ended_at IS NULL OR merged_into = ?5
         RETURNING sid`,
      )
      .bind(guest.sid, guest.subject, clientId, api, sid, openingId, guest.endedAt, guest.expiresAt, MERGED)
  }
}

const MERGED: EndReason = 'merged into a customer'

/** Whether the request inserted the session in the statement before. */
const IF_OPENED = 'EXISTS (SELECT 1 FROM sessions WHERE sid = ?5 AND opening_id = ?6)'

function hasRow(result: D1Result | undefined): boolean {
  return result !== undefined && result.results.length > 0
}
