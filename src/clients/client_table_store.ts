import { callStore } from '../lib/storage_error.ts'
import { LATEST_CHANGE } from '../storage/change_list_store.ts'
import {
  type Client,
  type ClientStanding,
  decodeClientStanding,
  decodeStoredClientRow,
  type StoredClient,
} from './client.ts'
import { generateSecretId } from './client_secret.ts'

const SELECT_CLIENT = `
  SELECT c.client_id, c.name, c.api, c.grants, c.scopes, c.origins, c.confidential, c.enabled, c.created_at,
    c.access_token_lifetime, c.refresh_token_lifetime, c.tokens_valid_from, c.access_valid_from,
    ${LATEST_CHANGE} AS as_of,
    (SELECT json_group_array(json_object('hash', s.secret_hash, 'createdAt', s.created_at, 'expiresAt', s.expires_at))
       FROM (SELECT * FROM client_secrets WHERE client_id = c.client_id ORDER BY created_at DESC) s) AS secrets
  FROM clients c WHERE c.client_id = ?`

/** Clients as D1 has them. Every read goes to the primary. */
export class ClientTableStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The client with its secrets; null where there is none. @throws StorageUnavailable, CorruptRecord */
  async find(id: string): Promise<StoredClient | null> {
    const row = await callStore('D1 clients', () => this.#db.prepare(SELECT_CLIENT).bind(id).first())
    return row === null ? null : decodeStoredClientRow(id, row)
  }

  /** Whether a client is enabled, and since when its tokens are valid; null where there is none. @throws StorageUnavailable, CorruptRecord */
  async findStanding(id: string): Promise<ClientStanding | null> {
    const select = this.#db
      .prepare('SELECT enabled, tokens_valid_from FROM clients WHERE client_id = ?')
      .bind(id)
    const row = await callStore('D1 clients', () => select.first())
    return row === null ? null : decodeClientStanding(id, row)
  }

  /** Adds a client and its secrets in one transaction. @throws StorageUnavailable, also where the id is taken */
  async add(client: Client): Promise<void> {
    const { id, name, api, createdAt } = client
    const lists = [client.grants, client.scopes, client.origins].map((list) => JSON.stringify(list))
    const insertClient = this.#db
      .prepare(
        `INSERT INTO clients (client_id, name, api, grants, scopes, origins, confidential, enabled, created_at,
           access_token_lifetime, refresh_token_lifetime, tokens_valid_from)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(
        id,
        name,
        api,
        ...lists,
        Number(client.confidential),
        Number(client.enabled),
        createdAt,
        client.accessTokenLifetimeSeconds,
        client.refreshTokenLifetimeSeconds,
        createdAt,
      )
    const insertSecrets = client.secrets.map((secret) =>
      this.#db
        .prepare(
          `INSERT INTO client_secrets (secret_hash, client_id, created_at, expires_at, secret_id)
           VALUES (?, ?, ?, ?, ?)`,
        )
        .bind(secret.hash, id, secret.createdAt, secret.expiresAt, generateSecretId()),
    )
    await callStore('D1 clients', () => this.#db.batch([insertClient, ...insertSecrets]))
  }
}
