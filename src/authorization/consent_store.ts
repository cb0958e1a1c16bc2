import { callStore } from '../lib/storage_error.ts'
import type { ConsentSubject } from './consent.ts'

/** A consent that a user gave. Times are Unix seconds. */
export interface GivenConsent extends ConsentSubject {
  id: string
  scopes: readonly string[]
  /** When the code was issued under which the consent was given. */
  issuedAt: number
}

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
   * after the code was issued stays withdrawn. A deleted user or client gets no consent.
   */
  addition({ id, subject, clientId, api, redirectUri, scopes, issuedAt }: GivenConsent, now: number) {
    return this.#db
      .prepare(
        `INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7
         WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2) AND EXISTS (SELECT 1 FROM clients WHERE client_id = ?3)
         ON CONFLICT (id) DO UPDATE SET updated_at = ?7, withdrawn_at = NULL, scopes = iif(withdrawn_at IS NULL,
           (SELECT json_group_array(value) FROM
             (SELECT value FROM json_each(consents.scopes) UNION SELECT value FROM json_each(?6))), ?6)
         WHERE valid_from <= ?8`,
      )
      .bind(...[id, subject, clientId, api, redirectUri, JSON.stringify(scopes)], now, issuedAt)
  }

  /** Removes up to `limit` consents to deleted clients. @returns how many @throws StorageUnavailable */
  async sweepOfDeletedClients(limit: number): Promise<number> {
    const sweep = this.#db.prepare(SWEEP_OF_DELETED_CLIENTS).bind(limit)
    const { meta } = await callStore('D1 consents', () => sweep.run())
    return meta.changes
  }
}
