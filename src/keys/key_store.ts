import * as z from 'zod/mini'
import type { SigningAlgorithm } from '../config/config.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { decodeSealedSigningKeys, type SealedSigningKey } from './signing_key.ts'

const COPY_KEY = 'keys'

const SELECT_KEYS =
  'SELECT kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at FROM signing_keys ORDER BY activates_at, kid'

const rowsSchema = z.array(
  z.object({
    kid: z.string(),
    alg: z.string(),
    public_jwk: z.string(),
    sealed_private_jwk: z.string(),
    created_at: z.int(),
    activates_at: z.int(),
  }),
)

/** When a new key is wanted, and from when it may sign. Times are Unix seconds. */
export interface KeySchedule {
  alg: SigningAlgorithm
  /** A key is wanted where none of that algorithm activates after this moment. */
  notOlderThan: number
  /** When the new key may sign, if there are others; on an empty store it signs at once. */
  activatesAt: number
}

/** Signing keys: of record in D1, with one read copy of them all in KV. */
export class KeyStore {
  readonly #db: D1Database
  readonly #copies: ReadCopyStore

  constructor(db: D1Database, copies: ReadCopyStore) {
    this.#db = db
    this.#copies = copies
  }

  /** The keys near the caller, in the order in which they activate. @throws StorageUnavailable, CorruptRecord */
  async findNear(context: RequestContext): Promise<SealedSigningKey[]> {
    const record = { key: COPY_KEY, decode: decodeSealedSigningKeys, readRecord: () => this.#readRecord() }
    return (await this.#copies.readThrough(record, context)) ?? []
  }

  /** The keys of record, whose copy is then written anew. @throws StorageUnavailable, CorruptRecord */
  async findAll(context: RequestContext): Promise<SealedSigningKey[]> {
    const keys = await this.#readRecord()
    if (keys !== null) this.#copies.repair(COPY_KEY, keys, context)
    return keys ?? []
  }

  /** Null on an empty store: there is nothing to copy. */
  async #readRecord(): Promise<SealedSigningKey[] | null> {
    const { results } = await callStore('D1 signing_keys', () => this.#db.prepare(SELECT_KEYS).all())
    return results.length === 0 ? null : decodeKeyRows(results)
  }

  /**
   * Adds a key where the schedule still wants one, in one statement: however many isolates come at once, one key
   * is added. The loser's key is never stored, so it never signs.
   *
   * @throws StorageUnavailable
   */
  async addIfWanted(key: SealedSigningKey, schedule: KeySchedule): Promise<void> {
    const insert = this.#db
      .prepare(
        `INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at)
         SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (SELECT 1 FROM signing_keys) THEN ?6 ELSE ?5 END
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE alg = ?2 AND activates_at > ?7)`,
      )
      .bind(
        ...[key.kid, key.alg, JSON.stringify(key.publicJwk), key.sealedPrivateJwk, key.createdAt],
        ...[schedule.activatesAt, schedule.notOlderThan],
      )
    await callStore('D1 signing_keys', () => insert.run())
  }
}

function decodeKeyRows(rows: unknown): SealedSigningKey[] {
  const decoded = decodeRecord(rowsSchema, 'signing keys', rows).map((row) => ({
    kid: row.kid,
    alg: row.alg,
    publicJwk: parseJsonColumn(`signing key ${row.kid}`, row.public_jwk),
    sealedPrivateJwk: row.sealed_private_jwk,
    createdAt: row.created_at,
    activatesAt: row.activates_at,
  }))
  return decodeSealedSigningKeys(decoded)
}
