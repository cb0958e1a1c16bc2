import { callStore } from '../lib/storage_error.ts'
import { LATEST_CHANGE } from '../storage/change_list_store.ts'
import {
  type ClientCopy,
  type ClientValidity,
  decodeClientRow,
  decodeClientValidity,
  type StoredClient,
  toStoredClient,
} from './client.ts'

const SELECT_CLIENT = `
  SELECT c.*, ${LATEST_CHANGE} AS as_of,
    (SELECT json_group_array(json_object('hash', s.secret_hash, 'createdAt', s.created_at, 'expiresAt', s.expires_at))
       FROM (SELECT * FROM client_secrets WHERE client_id = c.client_id ORDER BY created_at DESC) s) AS secrets
  FROM clients c WHERE c.client_id = ?`

/** Reads clients from D1. Every read goes to the primary. */
export class ClientTableStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The client with its secrets; null if the id is unknown. @throws StorageUnavailable, CorruptRecord */
  async find(id: string): Promise<StoredClient | null> {
    const copy = await this.findCopy(id)
    return copy && toStoredClient(copy)
  }

  /** The client in the format of its KV copy; null if the id is unknown. @throws StorageUnavailable, CorruptRecord */
  async findCopy(id: string): Promise<ClientCopy | null> {
    const row = await callStore('D1 clients', () => this.#db.prepare(SELECT_CLIENT).bind(id).first())
    return row === null ? null : decodeClientRow(id, row)
  }

  /** The validity of the tokens of a client; null if the id is unknown. @throws StorageUnavailable, CorruptRecord */
  async findValidity(id: string): Promise<ClientValidity | null> {
    const select = this.#db
      .prepare('SELECT enabled, tokens_valid_from FROM clients WHERE client_id = ?')
      .bind(id)
    const row = await callStore('D1 clients', () => select.first())
    return row === null ? null : decodeClientValidity(id, row)
  }
}
