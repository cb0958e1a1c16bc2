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
 * Signing keys, of record in D1, with one read copy of them all in KV. A slow isolate may write a copy from before a key was
 * retired. The list of changes shows that it is outdated. While D1 is away, a mark in KV for each compromised key shows it.
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

  /** The keys near the caller, in the order in which they activate. @throws StorageUnavailable, CorruptRecord */
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

  /** Waits until this isolate knows of changes of the keys, as ChangeListStore.confirm does. */
  confirmChanges(context: RequestContext): Promise<boolean> {
    return this.#changes.confirm(context)
  }

  /** Whether keys were read before a change that this isolate knows of. */
  isOutdated(keys: readonly StoredSigningKey[]): boolean {
    return keys.some(({ asOf }) => this.#changes.isOutdated(COPY_KEY, asOf))
  }

  /** Those without a mark in KV. While that is away, all of them. */
  async leaveOutRetired<T extends { kid: string }>(keys: readonly T[]): Promise<T[]> {
    const marks = await Promise.all(keys.map(({ kid }) => this.#copies.find(markKey(kid))))
    return keys.filter((_, i) => marks[i] === null)
  }

  /** The keys of record, where the copy is of no use; it is written anew. @throws StorageUnavailable, CorruptRecord */
  async readAgain(context: RequestContext): Promise<StoredSigningKey[]> {
    const keys = await this.findAll()
    this.repairCopy(keys, context)
    return keys
  }

  /** The keys of record, in the order in which they activate. @throws StorageUnavailable, CorruptRecord */
  async findAll(): Promise<StoredSigningKey[]> {
    return (await this.#readRecord()) ?? []
  }

  /** Writes the copy anew, after the response. KV takes one write a second of the same key: once a request is enough. */
  repairCopy(keys: StoredSigningKey[], context: RequestContext): void {
    this.#copies.repair(COPY_KEY, keys, context)
  }

  /** Writes the copy anew, and waits for it. @throws StorageUnavailable, CorruptRecord */
  async renewCopy(context: RequestContext): Promise<void> {
    const keys = await this.findAll()
    await this.#copies.save(COPY_KEY, keys, context)
  }

  /** Keeps a retired key from coming back out of an old copy. @throws StorageUnavailable */
  async markRetired(kid: string, context: RequestContext): Promise<void> {
    await this.#copies.save(markKey(kid), true, context)
  }

  /** Null on an empty store: there is nothing to copy. */
  async #readRecord(): Promise<StoredSigningKey[] | null> {
    const { results } = await callStore('D1 signing_keys', () => this.#db.prepare(SELECT_KEYS).all())
    return results.length === 0 ? null : decodeKeyRows(results)
  }

  /**
   * Adds a key where the schedule still wants one, in one statement: however many isolates come at once, one key
   * is added. The loser's key is never stored, so it never signs.
   *
   * @returns From when it may sign, in Unix seconds; null where it was not added
   * @throws StorageUnavailable
   */
  async addIfWanted(key: SealedSigningKey, schedule: KeySchedule): Promise<number | null> {
    const insert = this.#db
      .prepare(
        `INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at)
         SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (SELECT 1 FROM signing_keys) THEN ?6 ELSE ?5 END
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE alg = ?2 AND activates_at > ?7)
         RETURNING activates_at`,
      )
      .bind(
        ...[key.kid, key.alg, JSON.stringify(key.publicJwk), key.sealedPrivateJwk, key.createdAt],
        ...[schedule.activatesAt, schedule.notOlderThan],
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
