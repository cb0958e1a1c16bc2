import type { ConsentSubject } from './consent.ts'

/** A consent that a user gave. Times are Unix seconds. */
export interface GivenConsent extends ConsentSubject {
  id: string
  scopes: readonly string[]
  /** When the code was issued under which the consent was given. */
  issuedAt: number
}

/** The consents of users to third-party clients, in the main database. */
export class ConsentStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Makes a statement that stores a consent, and adds its scopes to those of an earlier consent. A consent that was withdrawn
   * after the code was issued stays withdrawn.
   */
  addition({ id, subject, clientId, api, redirectUri, scopes, issuedAt }: GivenConsent, now: number) {
    return this.#db
      .prepare(
        `INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT (id) DO UPDATE SET updated_at = ?7, withdrawn_at = NULL, scopes = iif(withdrawn_at IS NULL,
           (SELECT json_group_array(value) FROM
             (SELECT value FROM json_each(consents.scopes) UNION SELECT value FROM json_each(?6))), ?6)
         WHERE valid_from <= ?8`,
      )
      .bind(...[id, subject, clientId, api, redirectUri, JSON.stringify(scopes)], now, issuedAt)
  }
}
