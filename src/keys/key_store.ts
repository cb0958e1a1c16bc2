import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import { type ChangeListStore, LATEST_CHANGE } from '../storage/change_list_store.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import type { KeySchedule } from './key_schedule.ts'
import { decodeStoredSigningKeys, type SealedSigningKey, type StoredSigningKey } from './signing_key.ts'

const COPY_KEY = 'keys'

const SELECT_KEYS = `SELECT kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at, retires_at, ${LATEST_CHANGE} AS as_of
  FROM signing_keys ORDER BY activates_at, kid`

const rowsSchema = z.array(
  z.object({
    kid: z.string(),
    alg: z.string(),
    public_jwk: z.string(),
    sealed_private_jwk: z.string(),
    created_at: z.int(),
    activates_at: z.int(),
    retires_at: z.nullable(z.int()),
    as_of: z.int(),
  }),
)

interface Dependencies {
  db: D1Database
  copies: ReadCopyStore
  changes: ChangeListStore
}

/**
 * Signing keys in D1, with one read copy of all keys in KV. A slow isolate can write a copy that still has a retired key. The
 * list of changes shows that such a copy is outdated. While D1 is unavailable, KV has a mark for each compromised key.
 */
export class KeyStore {
  readonly #db: D1Database
  readonly #copies: ReadCopyStore
  readonly #changes: ChangeListStore

  constructor({ db, copies, changes }: Dependencies) {
    this.#db = db
    this.#copies = copies
    this.#changes = changes
  }

  /** The keys from the copy, in the order of activation. @throws StorageUnavailable, CorruptRecord */
  async findNear(context: RequestContext): Promise<StoredSigningKey[]> {
    const record = { key: COPY_KEY, decode: decodeStoredSigningKeys, readRecord: () => this.#readRecord() }
    const [found, isConfirmed] = await Promise.all([
      this.#copies.readThrough(record, context),
      this.confirmChanges(context),
    ])
    const keys = found ?? []
    if (!isConfirmed) return this.leaveOutRetired(keys)
    return this.isOutdated(keys) ? this.readAgain(context) : keys
  }

  /** Updates the list of changes in this isolate, as ChangeListStore.confirm does. */
  confirmChanges(context: RequestContext): Promise<boolean> {
    return this.#changes.confirm(context)
  }

  /** Whether the keys are older than a known change. */
  isOutdated(keys: readonly StoredSigningKey[]): boolean {
    return keys.some(({ asOf }) => this.#changes.isOutdated(COPY_KEY, asOf))
  }

  /** The keys without a mark in KV; all keys if KV is unavailable. */
  async leaveOutRetired<T extends { kid: string }>(keys: readonly T[]): Promise<T[]> {
    const marks = await Promise.all(keys.map(({ kid }) => this.#copies.find(markKey(kid))))
    return keys.filter((_, i) => marks[i] === null)
  }

  /** The keys from D1. Writes the copy again after the response. @throws StorageUnavailable, CorruptRecord */
  async readAgain(context: RequestContext): Promise<StoredSigningKey[]> {
    const keys = await this.findAll()
    this.repairCopy(keys, context)
    return keys
  }

  /** The keys from D1, in the order of activation. @throws StorageUnavailable, CorruptRecord */
  async findAll(): Promise<StoredSigningKey[]> {
    return (await this.#readRecord()) ?? []
  }

  /** Writes the copy after the response. KV accepts one write per second for each KV key. */
  repairCopy(keys: StoredSigningKey[], context: RequestContext): void {
    this.#copies.repair(COPY_KEY, keys, context)
  }

  /** Writes the copy and waits for the write. @throws StorageUnavailable, CorruptRecord */
  async renewCopy(context: RequestContext): Promise<void> {
    const keys = await this.findAll()
    await this.#copies.save(COPY_KEY, keys, context)
  }

  /** Marks a compromised key in KV, so that an old copy cannot restore it. @throws StorageUnavailable */
  async markRetired(kid: string, context: RequestContext): Promise<void> {
    await this.#copies.save(markKey(kid), true, context)
  }

  /** Null for an empty table, which has no copy. */
  async #readRecord(): Promise<StoredSigningKey[] | null> {
    const { results } = await callStore('D1 signing_keys', () => this.#db.prepare(SELECT_KEYS).all())
    return results.length === 0 ? null : decodeKeyRows(results)
  }

  /**
   * Adds a key if the schedule still requires a key. It is one statement, so concurrent isolates add only one key. Only a stored
   * key signs.
   *
   * @returns The activation of the key in Unix seconds; null if it was not added
   * @throws StorageUnavailable
   */
  async addIfWanted(key: SealedSigningKey, schedule: KeySchedule): Promise<number | null> {
    const insert = this.#db
      .prepare(
        `INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at)
         SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (SELECT 1 FROM signing_keys WHERE ?8 = 'store' OR alg = ?2) THEN ?6 ELSE ?5 END
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE alg = ?2 AND activates_at > ?7)
         RETURNING activates_at`,
      )
      .bind(
        key.kid,
        key.alg,
        JSON.stringify(key.publicJwk),
        key.sealedPrivateJwk,
        key.createdAt,
        schedule.activatesAt,
        schedule.notOlderThan,
        schedule.firstIn,
      )
    return callStore('D1 signing_keys', () => insert.first<number>('activates_at'))
  }
}

function markKey(kid: string): string {
  return `retired_key:${kid}`
}

function decodeKeyRows(rows: unknown): StoredSigningKey[] {
  const decoded = decodeRecord(rowsSchema, 'signing keys', rows).map((row) => ({
    kid: row.kid,
    alg: row.alg,
    publicJwk: parseJsonColumn(`signing key ${row.kid}`, row.public_jwk),
    sealedPrivateJwk: row.sealed_private_jwk,
    createdAt: row.created_at,
    activatesAt: row.activates_at,
    retiresAt: row.retires_at,
    asOf: row.as_of,
  }))
  return decodeStoredSigningKeys(decoded)
}
