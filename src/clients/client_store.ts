import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { callStore, StorageUnavailable } from '../lib/storage_error.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import {
  CLIENT_ID,
  type Client,
  type ClientStanding,
  decodeClient,
  decodeClientRow,
  decodeClientStanding,
} from './client.ts'
import { generateSecretId } from './client_secret.ts'

/** How long an isolate keeps a client, or that there is none. Part of the bound on a disabled client. */
const ISOLATE_TTL_SECONDS = 30
const ISOLATE_ENTRIES = 1000

/** Ids that D1 does not know draw on a budget in each isolate, so that garbage does not reach D1 unbounded. */
const UNKNOWN_IDS_AT_ONCE = 50
const UNKNOWN_IDS_PER_SECOND = 5

const SELECT_CLIENT = `
  SELECT c.client_id, c.name, c.api, c.grants, c.scopes, c.origins, c.confidential, c.enabled, c.created_at,
    c.access_token_lifetime, c.refresh_token_lifetime,
    (SELECT json_group_array(json_object('hash', s.secret_hash, 'createdAt', s.created_at, 'expiresAt', s.expires_at))
       FROM (SELECT * FROM client_secrets WHERE client_id = c.client_id ORDER BY created_at DESC) s) AS secrets
  FROM clients c WHERE c.client_id = ?`

/** Clients: of record in D1, read from the isolate's memory and from KV near the caller. */
export class ClientStore {
  readonly #db: D1Database
  readonly #copies: ReadCopyStore
  readonly #cache = new ExpiringCache<Client | 'unknown'>(ISOLATE_ENTRIES)
  readonly #flights = new SingleFlight<Client | null>()
  readonly #unknownIds = new TokenBucket(UNKNOWN_IDS_AT_ONCE, UNKNOWN_IDS_PER_SECOND)

  constructor(db: D1Database, copies: ReadCopyStore) {
    this.#db = db
    this.#copies = copies
  }

  /**
   * The client of that id, or null where there is none.
   *
   * @throws StorageUnavailable where D1 is needed and away, or the budget of unknown ids is used up
   * @throws CorruptRecord
   */
  async find(id: string, context: RequestContext): Promise<Client | null> {
    if (!CLIENT_ID.test(id)) return null
    const cached = this.#cache.get(id, context.now)
    if (cached) return cached === 'unknown' ? null : cached
    return this.#flights.run(id, context, () => this.#read(id, context))
  }

  async #read(id: string, context: RequestContext): Promise<Client | null> {
    const decode = (copy: unknown) => decodeClient(id, copy)
    const readRecord = () => this.#readRecord(id, context)
    const client = await this.#copies.readThrough({ key: copyKey(id), decode, readRecord }, context)
    this.#cache.set(id, client ?? 'unknown', context.now + ISOLATE_TTL_SECONDS)
    return client
  }

  async #readRecord(id: string, context: RequestContext): Promise<Client | null> {
    const last = this.#cache.last(id)
    if (last !== null && last !== 'unknown') return this.#readRow(id)
    if (this.#unknownIds.isEmpty(context.now)) {
      throw new StorageUnavailable('the budget of unknown client ids is used up')
    }
    // Taken before the read and given back after it, so that a burst is bounded too.
    this.#unknownIds.take(context.now)
    const client = await this.#readRow(id)
    if (client !== null) this.#unknownIds.giveBack()
    return client
  }

  async #readRow(id: string): Promise<Client | null> {
    const row = await callStore('D1 clients', () => this.#db.prepare(SELECT_CLIENT).bind(id).first())
    return row === null ? null : decodeClientRow(id, row)
  }

  /** How a client stands now, from D1. Null where it is gone. @throws StorageUnavailable, CorruptRecord */
  async findStanding(id: string): Promise<ClientStanding | null> {
    const select = this.#db
      .prepare('SELECT enabled, tokens_valid_from FROM clients WHERE client_id = ?')
      .bind(id)
    const row = await callStore('D1 clients', () => select.first())
    return row === null ? null : decodeClientStanding(id, row)
  }

  /** Forgets what this isolate has of a client, so that it sees a change of its own at once. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  /**
   * Writes the KV copy of a changed client, or deletes that of one that is gone; isolates follow within their time. What
   * can be no client's id has no copy, and may be longer than a key of KV.
   *
   * @throws StorageUnavailable
   */
  async renewCopy(id: string, context: RequestContext): Promise<void> {
    if (!CLIENT_ID.test(id)) return
    this.forget(id)
    const client = await this.#readRow(id)
    await this.#copies.write(copyKey(id), client, context)
  }

  /** Adds a client of record with its secrets: all or nothing. An id that is taken is refused. @throws StorageUnavailable */
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

function copyKey(id: string): string {
  return `client:${id}`
}
