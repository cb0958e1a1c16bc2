import { callStore } from '../lib/storage_error.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { SqlDatabase, SqlResult, SqlStatement } from '../storage/sql_database.ts'
import { type Holder, type HolderGuard, NO_GUARD } from './holder_check.ts'
import type { HolderQuery } from './holder_conditions.ts'
import { decodeHolder, guardFor, type HolderStore } from './holder_store.ts'
import type { IndexedSession } from './index_database_store.ts'
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

/** The work of an exchange besides the insertion. */
export interface Companions {
  /** Statements for the main database that come before the check of the holder, such as the row of a new client. */
  before: Statements
  /**
   * Statements for the main database, such as the consent of the user.
   *
   * @param isOpened The condition that this exchange opens the session. A refused exchange stores nothing.
   */
  alongside(isOpened: HolderGuard): Statements
  /** The guest, if this shard has the guest's session. */
  guest: GuestEnd | null
  /** Ends the session of a guest of another shard. @returns whether the guest was merged into this session */
  endGuestElsewhere(): Promise<boolean>
}

/** The result of an opening. */
export interface Opening {
  holder: Holder
  /** Whether this request inserted the row. */
  isFirst: boolean
  /** Whether the guest was merged into this session. */
  isMerged: boolean
}

/** The index in D1 of sessions in other stores. */
export interface OpeningIndex {
  /** Makes a statement for the main database that adds a session. */
  addition(session: IndexedSession): D1PreparedStatement
  /** Whether the object moves the row of the addition to another database. */
  readonly movesAdditions: boolean
}

/** Opens sessions of one shard or object: inserts their rows at seq 0. */
export class SessionOpeningStore {
  readonly #db: SqlDatabase
  readonly #holders: HolderStore
  readonly #index: OpeningIndex | null

  /** @param index The index that lists the sessions; null if the sessions are in D1. */
  constructor(db: SqlDatabase, holders: HolderStore, index: OpeningIndex | null = null) {
    this.#db = db
    this.#holders = holders
    this.#index = index
  }

  /**
   * Inserts the row of a session in one atomic statement, so that a code works once. Then it ends the session of the guest. If the
   * holder has a problem, the session does not open and the guest's session continues.
   *
   * @throws StorageUnavailable, CorruptRecord. The row may exist then: call `open` again, or `forget`.
   */
  async open(opening: SessionOpening, query: HolderQuery, companions: Companions): Promise<Opening> {
    const { guest, endGuestElsewhere, before } = companions
    if (!this.#holders.isIn(this.#db, query)) return this.#openApart(opening, query, companions)
    const alongside = companions.alongside(guardOfRow(opening))
    const merge = guest === null ? [] : [this.#endGuest(guest, opening, IF_OPENED)]
    const statements = [this.#holders.select(query), this.#insert(opening, guardFor(query)), ...merge]
    const results = await callStore('D1 sessions', () =>
      this.#db.batch([...before, ...statements, ...alongside]),
    )
    const [holderResult, inserted, ended] = results.slice(before.length)
    const holder = decodeHolder(holderResult?.results[0])
    const isFirst = hasRow(inserted)
    const isMerged = guest === null ? isFirst && (await endGuestElsewhere()) : hasRow(ended)
    return { holder, isFirst, isMerged }
  }

  /**
   * Opens a session whose row and holder are in different databases. It checks the holder after the insertion. So a sign-out or a
   * withdrawal before the check refuses the code, and a later one finds the row and ends it. The index gets the session in the
   * transaction of the check.
   */
  async #openApart(
    opening: SessionOpening,
    query: HolderQuery,
    { before, alongside, guest, endGuestElsewhere }: Companions,
  ): Promise<Opening> {
    const insertion = this.#insert(opening, NO_GUARD)
    const move = this.#index?.movesAdditions ? [this.#db.prepare(MOVE).bind(opening.sid)] : []
    const [inserted] = await callStore('D1 sessions', () => this.#db.batch([insertion, ...move]))
    const isFirst = hasRow(inserted)
    const listing = this.#index === null ? [] : [this.#index.addition(opening)]
    const holder = await this.#holders.findWith(query, {
      before,
      alongside: (guard) => [...(isFirst ? alongside(guard) : []), ...listing],
    })
    if (isFirst && holder.problem !== null) await this.forget(opening)
    if (!isFirst || holder.problem !== null) return { holder, isFirst: false, isMerged: false }
    const isMerged = guest === null ? await endGuestElsewhere() : await this.endGuest(guest, opening)
    return { holder, isFirst, isMerged }
  }

  /** Removes the row of an opening that failed, so that the code works again. No token of the session exists. @throws StorageUnavailable */
  async forget({ sid, openingId }: SessionOpening): Promise<void> {
    const removal = this.#db
      .prepare('DELETE FROM sessions WHERE sid = ? AND opening_id = ? AND ended_at IS NULL')
      .bind(sid, openingId)
    await callStore('D1 sessions', () => removal.run())
  }

  /** Ends the session of a guest of this shard. @returns whether the guest was merged into the opened session @throws StorageUnavailable */
  async endGuest(guest: GuestEnd, opening: SessionOpening): Promise<boolean> {
    const statement = this.#endGuest(guest, opening, 'TRUE')
    const { results } = await callStore('D1 sessions', () => statement.run())
    return results.length > 0
  }

  /**
   * Inserts the row of a session that has already ended, so that its code no longer works. No token of the session exists.
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

  /** Returns no row if another request has inserted it: then the condition of `DO UPDATE` is false. A repeated request gets its own row. */
  #insert(opening: SessionOpening, guard: HolderGuard): SqlStatement {
    const { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt } = opening
    const { browserId, consentId, openingId, issuesUntil = null } = opening
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until,
           browser_id, consent_id, opening_id, issues_until)
         SELECT ?2, ?3, ?4, ?5, 0, ?6, ?6, ?7, max(?7, ?8), ?9, ?10, ?11, ?12 WHERE ${guard.sql}
         ON CONFLICT (sid) DO UPDATE SET opening_id = ?11 WHERE opening_id = ?11 AND ended_at IS NULL RETURNING sid`,
      )
      .bind(
        guard.query,
        sid,
        subject,
        clientId,
        api,
        startedAt,
        expiresAt,
        tokenExpiresAt,
        browserId,
        consentId,
        openingId,
        issuesUntil,
      )
  }

  /**
   * A guest's session may have no row. The code has only the subject and the sid of that session, so a new row has the client of the
   * code. The row records the customer's session, so that a retry of the code finds its own merge.
   *
   * @param condition SQL that uses `?5`, the customer's session, and `?6`, the id of its opening
   */
  #endGuest(guest: GuestEnd, opening: SessionOpening, condition: string): SqlStatement {
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

/** Makes a session object send the session to the index. */
const MOVE = 'INSERT INTO index_changes (sid) VALUES (?)'

/** Whether the request inserted the session in the statement before. */
const IF_OPENED = 'EXISTS (SELECT 1 FROM sessions WHERE sid = ?5 AND opening_id = ?6)'

/** The condition that the request inserted the session in a statement before. */
function guardOfRow({ sid, openingId }: SessionOpening): HolderGuard {
  return {
    sql: "EXISTS (SELECT 1 FROM sessions WHERE sid = ?1 ->> 'sid' AND opening_id = ?1 ->> 'openingId')",
    query: JSON.stringify({ sid, openingId }),
  }
}

function hasRow(result: SqlResult | undefined): boolean {
  return result !== undefined && result.results.length > 0
}
