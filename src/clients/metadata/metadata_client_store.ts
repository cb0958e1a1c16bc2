import { callStore } from '../../lib/storage_error.ts'
import { isDocumentUrl } from '../../oauth/document_client_id.ts'
import type { StoredClient } from '../client.ts'
import { isConfidential } from '../client.ts'
import { toColumns } from '../client_values.ts'

/** A client that was not used for this time is removed, if no user allows it. */
const UNUSED_SECONDS = 90 * 86_400

/** The columns that each exchange sets to the values of the document. */
const FROM_DOCUMENT = [
  'name',
  'api',
  'additional_apis',
  'grants',
  'scopes',
  'confidential',
  'redirect_uris',
  'jwks',
  'jwks_uri',
  'assertion_audience',
  'dpop_bound_access_tokens',
  'incremental_scopes',
  'id_token_signed_response_alg',
  'client_uri',
  'policy_uri',
  'tos_uri',
]

/** The rows of clients whose id is the URL of a document, in D1. */
export class MetadataClientStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Makes the statements that store a client before the first token of a user, and that update its row after a change of the document. The
   * state that operators set stays. If a deleted client had the same id, its tokens stay revoked.
   *
   * @returns no statement for a registered client
   */
  additionOf(client: StoredClient, now: number): D1PreparedStatement[] {
    if (!isDocumentUrl(client.id)) return []
    const values = toColumns({ ...client, confidential: isConfidential(client) })
    const columns = FROM_DOCUMENT.map((name) => [name, values[name] ?? null] as const)
    const names = columns.map(([name]) => name)
    const insert = this.#db
      .prepare(
        `INSERT INTO clients (client_id, metadata, created_at, last_used_at, errors, tokens_valid_from, ${names.join(', ')})
         VALUES (?1, 1, ?2, ?2, 'rfc6749',
           coalesce((SELECT before FROM cutoffs WHERE kind = 'client_id' AND value = ?1), 0), ${names.map((_, i) => `?${i + 3}`).join(', ')})
         ON CONFLICT (client_id) DO UPDATE SET updated_at = ?2, version = version + 1,
           ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
         WHERE ${names.map((name) => `clients.${name} IS NOT excluded.${name}`).join(' OR ')}`,
      )
      .bind(client.id, now, ...columns.map(([, value]) => value))
    return [insert]
  }

  /**
   * Removes up to `limit` clients that were not used for UNUSED_SECONDS and that no user allows. A disabled client stays disabled.
   *
   * @returns how many
   * @throws StorageUnavailable
   */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM clients WHERE client_id IN (SELECT client_id FROM clients AS c
           WHERE c.metadata = 1 AND c.last_used_at <= ? AND c.enabled = 1
             AND NOT EXISTS (SELECT 1 FROM consents AS g WHERE g.client_id = c.client_id AND g.withdrawn_at IS NULL) LIMIT ?)`,
      )
      .bind(now - UNUSED_SECONDS, limit)
    const { meta } = await callStore('D1 clients', () => sweep.run())
    return meta.changes
  }
}
