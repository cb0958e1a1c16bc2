import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { HolderGuard } from '../sessions/holder_check.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import { isInFurther } from '../users/user_databases_store.ts'
import type { ConsentSubject } from './consent.ts'

/** A consent that a user gave. Times are Unix seconds. */
export interface GivenConsent extends ConsentSubject {
  id: string
  scopes: readonly string[]
  /** When the server issued the code that the exchange uses. */
  issuedAt: number
}

/** A stored consent. Times are Unix seconds. */
export interface StoredConsent extends ConsentSubject {
  id: string
  scopes: readonly string[]
  createdAt: number
  updatedAt: number
  /** Null while the consent is valid. */
  withdrawnAt: number | null
}

/** A withdrawn consent. `withdrawnAt` is in Unix seconds. */
export interface WithdrawnConsent {
  id: string
  withdrawnAt: number
}

const rowSchema = z.object({
  id: z.string(),
  subject: z.string(),
  clientId: z.string(),
  api: z.string(),
  redirectUri: z.string(),
  scopes: z.string(),
  createdAt: z.int(),
  updatedAt: z.int(),
  withdrawnAt: z.nullable(z.int()),
})
const scopesSchema: z.ZodMiniType<string[]> = z.array(z.string())
const withdrawnSchema = z.array(z.object({ id: z.string(), withdrawnAt: z.int() }))

const COLUMNS = `id, subject, client_id AS clientId, api, redirect_uri AS redirectUri, scopes, created_at AS createdAt,
  updated_at AS updatedAt, withdrawn_at AS withdrawnAt`

/** Steps through the client ids in the index, so that a run reads one row for each client. */
const SWEEP_OF_DELETED_CLIENTS = `
  WITH RECURSIVE consented (client_id) AS (
    SELECT min(client_id) FROM consents
    UNION ALL SELECT (SELECT min(client_id) FROM consents WHERE client_id > consented.client_id) FROM consented
      WHERE client_id IS NOT NULL)
  DELETE FROM consents WHERE id IN (SELECT c.id FROM consented CROSS JOIN consents AS c ON c.client_id = consented.client_id
    WHERE NOT EXISTS (SELECT 1 FROM clients WHERE clients.client_id = consented.client_id) LIMIT ?)`

/** The consents of users to third-party clients, in the main database. */
export class ConsentStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Makes a statement that stores a consent, and adds its scopes to those of an earlier consent. A consent that was withdrawn
   * after the code was issued stays withdrawn. A deleted user or client gets no consent. The exchange has read a user of a further database
   * before. If the user is deleted in between, the cron trigger removes the consent.
   *
   * @param guard The condition of the statement.
   * @param now Unix seconds.
   */
  addition(
    { id, subject, clientId, api, redirectUri, scopes, issuedAt }: GivenConsent,
    guard: HolderGuard,
    now: number,
  ): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at)
         SELECT ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8
         WHERE (?10 OR EXISTS (SELECT 1 FROM users WHERE id = ?3)) AND EXISTS (SELECT 1 FROM clients WHERE client_id = ?4)
           AND ${guard.sql}
         ON CONFLICT (id) DO UPDATE SET updated_at = ?8, withdrawn_at = NULL, scopes = iif(withdrawn_at IS NULL,
           (SELECT json_group_array(value) FROM
             (SELECT value FROM json_each(consents.scopes) UNION SELECT value FROM json_each(?7))), ?7)
         WHERE valid_from <= ?9`,
      )
      .bind(
        guard.query,
        id,
        subject,
        clientId,
        api,
        redirectUri,
        JSON.stringify(scopes),
        now,
        issuedAt,
        Number(isInFurther(subject)),
      )
  }

  /** The newest consents of a user, also those that were withdrawn. @throws StorageUnavailable, CorruptRecord */
  async list(subject: string, limit: number): Promise<StoredConsent[]> {
    const select = this.#db
      .prepare(`SELECT ${COLUMNS} FROM consents WHERE subject = ? ORDER BY updated_at DESC, id LIMIT ?`)
      .bind(subject, limit)
    const { results } = await callStore('D1 consents', () => select.all())
    return results.map(decodeConsent)
  }

  /** A consent of a user; null if there is no such consent. @throws StorageUnavailable, CorruptRecord */
  async find(subject: string, id: string): Promise<StoredConsent | null> {
    const select = this.#db
      .prepare(`SELECT ${COLUMNS} FROM consents WHERE id = ? AND subject = ?`)
      .bind(id, subject)
    const row = await callStore('D1 consents', () => select.first())
    return row === null ? null : decodeConsent(row)
  }

  /**
   * Withdraws a consent. Codes that were issued under it are refused.
   *
   * @param validFrom A new consent needs a code from this second or later. Unix seconds.
   * @param alongside Further statements of the transaction. They do nothing if the consent was withdrawn before.
   * @throws StorageUnavailable
   */
  async withdraw(
    { id, validFrom }: { id: string; validFrom: number },
    alongside: Statements,
    now: number,
  ): Promise<void> {
    const withdrawal = this.#db
      .prepare(
        `UPDATE consents SET withdrawn_at = ?2, updated_at = ?2, valid_from = max(?3, valid_from + 1)
         WHERE id = ?1 AND withdrawn_at IS NULL`,
      )
      .bind(id, now, validFrom)
    await callStore('D1 consents', () => this.#db.batch([withdrawal, ...alongside]))
  }

  /**
   * Up to `limit` withdrawn consents, newest first. A consent that the user gave again is not withdrawn.
   *
   * @param before The last consent of the page before; null for the first page.
   * @param after Only withdrawals after this time. Unix seconds.
   * @throws StorageUnavailable, CorruptRecord
   */
  async listWithdrawn(
    { before, after }: { before: WithdrawnConsent | null; after: number },
    limit: number,
  ): Promise<WithdrawnConsent[]> {
    const select = this.#db
      .prepare(
        `SELECT id, withdrawn_at AS withdrawnAt FROM consents WHERE withdrawn_at > ? AND (withdrawn_at, id) < (?, ?)
         ORDER BY withdrawn_at DESC, id DESC LIMIT ?`,
      )
      .bind(after, before?.withdrawnAt ?? Number.MAX_SAFE_INTEGER, before?.id ?? '', limit)
    const { results } = await callStore('D1 consents', () => select.all())
    return decodeRecord(withdrawnSchema, 'consents', results)
  }

  /** Removes up to `limit` consents to deleted clients. @returns how many @throws StorageUnavailable */
  async sweepOfDeletedClients(limit: number): Promise<number> {
    const sweep = this.#db.prepare(SWEEP_OF_DELETED_CLIENTS).bind(limit)
    const { meta } = await callStore('D1 consents', () => sweep.run())
    return meta.changes
  }
}

/** @throws CorruptRecord */
function decodeConsent(value: unknown): StoredConsent {
  const row = decodeRecord(rowSchema, 'consent', value)
  const scopes = decodeRecord(scopesSchema, `consent ${row.id}`, parseJsonColumn('consent', row.scopes))
  return { ...row, scopes }
}
