import * as z from 'zod/mini'
import { SIGNING_ALGORITHMS } from '../config/signing_algorithm.ts'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { SealedSigningKey } from './signing_key.ts'

/** `ended`: every token of the key has expired. `compromised`: an operator revoked the key. */
const REASONS = ['ended', 'compromised'] as const

/** The times of a key, without its public and private JWK. Times are Unix seconds. */
export interface KeyRecord {
  kid: string
  alg: (typeof SIGNING_ALGORITHMS)[number]
  createdAt: number
  activatesAt: number
  /** The time of its removal from the JWKS; null while it is unknown. */
  retiresAt: number | null
}

export interface RetiredKeyRecord extends Omit<KeyRecord, 'retiresAt'> {
  retiredAt: number
  reason: (typeof REASONS)[number]
}

const turn = { kid: z.string(), alg: z.enum(SIGNING_ALGORITHMS), createdAt: z.int(), activatesAt: z.int() }
const keysSchema = z.array(z.object({ ...turn, retiresAt: z.nullable(z.int()) }))
const retiredSchema = z.array(z.object({ ...turn, retiredAt: z.int(), reason: z.enum(REASONS) }))
const movedSchema = z.array(z.object({ kid: z.string(), activatesAt: z.int() }))
const kidsSchema = z.array(z.object({ kid: z.string() }))

/** The most retired keys that the admin API lists. */
const MAX_RETIRED = 100

const RETIRE = `INSERT OR IGNORE INTO retired_keys (kid, alg, created_at, activates_at, retired_at, reason)
  SELECT kid, alg, created_at, activates_at, ?2, ?3 FROM signing_keys`

/** Whether a key signs. `?1` is a JSON array of the `kid` of each key that signs. */
const SIGNS = 'kid IN (SELECT value FROM json_each(?1))'

/** The life cycle of signing keys in D1. Each change is one transaction. A repeated change has no effect. */
export class KeyLifeStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Live and retired keys, each in the order of activation. @throws StorageUnavailable, CorruptRecord */
  async list(): Promise<{ keys: KeyRecord[]; retired: RetiredKeyRecord[] }> {
    const columns = 'kid, alg, created_at AS createdAt, activates_at AS activatesAt'
    const [keys, retired] = await this.#batch([
      this.#db.prepare(
        `SELECT ${columns}, retires_at AS retiresAt FROM signing_keys ORDER BY activates_at, kid`,
      ),
      this.#db
        .prepare(
          `SELECT * FROM (SELECT ${columns}, retired_at AS retiredAt, reason FROM retired_keys
             ORDER BY retired_at DESC LIMIT ?) ORDER BY activatesAt, kid`,
        )
        .bind(MAX_RETIRED),
    ])
    return {
      keys: decodeRecord(keysSchema, 'signing keys', keys?.results),
      retired: decodeRecord(retiredSchema, 'retired keys', retired?.results),
    }
  }

  /** Sets an earlier activation for the next keys of an algorithm. @returns The changed keys @throws StorageUnavailable */
  async bringForward(
    alg: string,
    { now, publishAheadSeconds }: { now: number; publishAheadSeconds: number },
  ): Promise<Pick<KeyRecord, 'kid' | 'activatesAt'>[]> {
    const [moved] = await this.#batch([
      this.#db
        .prepare(
          `UPDATE signing_keys SET activates_at = max(?2, created_at + ?3)
           WHERE alg = ?1 AND activates_at > max(?2, created_at + ?3) RETURNING kid, activates_at AS activatesAt`,
        )
        .bind(alg, now, publishAheadSeconds),
    ])
    return decodeRecord(movedSchema, 'signing keys', moved?.results)
  }

  /**
   * Sets the end of each former key and removes the end of the keys that sign.
   *
   * @param signing The `kid` of each key that signs.
   * @param end Unix seconds. An existing end stays.
   * @returns The `kid` of each key that got an end
   * @throws StorageUnavailable
   */
  async setEnds(signing: readonly string[], { now, end }: { now: number; end: number }): Promise<string[]> {
    const [, ended] = await this.#batch([
      this.#db
        .prepare(`UPDATE signing_keys SET retires_at = NULL WHERE ${SIGNS} AND retires_at IS NOT NULL`)
        .bind(JSON.stringify(signing)),
      this.#db
        .prepare(
          `UPDATE signing_keys SET retires_at = ?2
           WHERE retires_at IS NULL AND activates_at <= ?3 AND NOT ${SIGNS} RETURNING kid`,
        )
        .bind(JSON.stringify(signing), end, now),
    ])
    return decodeKids(ended)
  }

  /** Retires the keys whose end has passed. @returns Their `kid` values @throws StorageUnavailable */
  async retireEnded(signing: readonly string[], now: number): Promise<string[]> {
    const condition = `WHERE retires_at <= ?2 AND NOT ${SIGNS}`
    const kids = JSON.stringify(signing)
    const [, gone] = await this.#batch([
      this.#db.prepare(`${RETIRE} ${condition}`).bind(kids, now, 'ended'),
      this.#db.prepare(`DELETE FROM signing_keys ${condition} RETURNING kid`).bind(kids, now),
    ])
    return decodeKids(gone)
  }

  /**
   * Retires a key at once.
   *
   * @param replacement The new current key, if the retired key was the current key.
   * @returns Whether this call revoked the key
   * @throws StorageUnavailable
   */
  async retireCompromised(
    kid: string,
    { now, replacement }: { now: number; replacement: SealedSigningKey | null },
  ): Promise<boolean> {
    const results = await this.#batch([
      ...(replacement ? [this.#insertInPlaceOf(kid, replacement)] : []),
      this.#db.prepare(`${RETIRE} WHERE kid = ?1`).bind(kid, now, 'compromised'),
      this.#db.prepare('DELETE FROM signing_keys WHERE kid = ? RETURNING kid').bind(kid),
    ])
    return decodeKids(results.at(-1)).length > 0
  }

  /** Only the first of several concurrent calls for the same key inserts a replacement. */
  #insertInPlaceOf(kid: string, key: SealedSigningKey): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at)
         SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM signing_keys WHERE kid = ?)`,
      )
      .bind(
        key.kid,
        key.alg,
        JSON.stringify(key.publicJwk),
        key.sealedPrivateJwk,
        key.createdAt,
        key.activatesAt,
        kid,
      )
  }

  /** Replaces a sealed private key if it is unchanged. @returns Whether it was replaced @throws StorageUnavailable */
  async replaceSealed(kid: string, sealed: string, resealed: string): Promise<boolean> {
    const [replaced] = await this.#batch([
      this.#db
        .prepare(
          `UPDATE signing_keys SET sealed_private_jwk = ?
           WHERE kid = ? AND sealed_private_jwk = ? RETURNING kid`,
        )
        .bind(resealed, kid, sealed),
    ])
    return decodeKids(replaced).length > 0
  }

  #batch(statements: D1PreparedStatement[]): Promise<D1Result[]> {
    return callStore('D1 signing_keys', () => this.#db.batch(statements))
  }
}

function decodeKids(result: D1Result | undefined): string[] {
  return decodeRecord(kidsSchema, 'signing keys', result?.results).map(({ kid }) => kid)
}
