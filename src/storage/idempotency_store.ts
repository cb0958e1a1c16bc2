import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'

const rowSchema = z.object({ request_hash: z.string(), secret_id: z.string() })

/** A successful request with an Idempotency-Key. */
export interface KeyedRequest {
  /** SHA-256 of the caller and the key. */
  keyHash: string
  /** The hash of the operation, its path and its body, under a key derived from SEALING_KEY. */
  requestHash: string
  /** The random id of the secret in the response, or of the created user. A public client has no such secret. */
  secretId: string
}

/** Statements for the transaction of a change. */
export type Statements = readonly D1PreparedStatement[]

/** The successful requests of the last minutes that had an Idempotency-Key, in D1. */
export class IdempotencyStore {
  readonly #databases: readonly [D1Database, ...D1Database[]]

  /** @param further The databases of users, because the row of a created user is in the transaction of the user. */
  constructor(db: D1Database, further: readonly { db: D1Database }[] = []) {
    this.#databases = [db, ...further.map((database) => database.db)]
  }

  /** The request with this key; null if the key is new or has expired. @throws StorageUnavailable, CorruptRecord */
  async find(keyHash: string, now: number): Promise<KeyedRequest | null> {
    const [home] = this.#databases
    const remove = home
      .prepare('DELETE FROM idempotency_keys WHERE key_hash = ? AND expires_at <= ?')
      .bind(keyHash, now)
    const select = home
      .prepare('SELECT request_hash, secret_id FROM idempotency_keys WHERE key_hash = ?')
      .bind(keyHash)
    const reads = this.#databases.map((db) =>
      callStore('D1 idempotency_keys', () => db.batch([remove, select])),
    )
    const row = (await Promise.all(reads)).flatMap((results) => results.at(-1)?.results ?? [])[0]
    if (row === undefined) return null
    const { request_hash: requestHash, secret_id: secretId } = decodeRecord(rowSchema, 'idempotency key', row)
    return { keyHash, requestHash, secretId }
  }

  /**
   * A statement that adds the request if the statement before it changed a row. Use both in one transaction: it fails if a
   * parallel request with the key was first.
   *
   * @param expiresAt Unix seconds.
   */
  additionIfChanged(
    { keyHash, requestHash, secretId }: KeyedRequest,
    expiresAt: number,
  ): D1PreparedStatement {
    return this.#databases[0]
      .prepare(
        `INSERT INTO idempotency_keys (key_hash, request_hash, secret_id, expires_at)
         SELECT ?, ?, ?, ? WHERE changes() > 0`,
      )
      .bind(keyHash, requestHash, secretId, expiresAt)
  }

  /** Removes up to `limit` expired rows. @returns the number of removed rows @throws StorageUnavailable */
  async sweep(now: number, limit: number): Promise<number> {
    const sweep = this.#databases[0]
      .prepare(
        `DELETE FROM idempotency_keys WHERE key_hash IN
           (SELECT key_hash FROM idempotency_keys WHERE expires_at <= ? LIMIT ?)`,
      )
      .bind(now, limit)
    const sweeps = this.#databases.map((db) => callStore('D1 idempotency_keys', () => db.batch([sweep])))
    const removed = (await Promise.all(sweeps)).flatMap((results) => results.map(({ meta }) => meta.changes))
    return removed.reduce((sum, count) => sum + count, 0)
  }
}
