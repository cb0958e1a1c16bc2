import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeUserRow, type User } from './user.ts'
import type { UserDatabases } from './user_databases_store.ts'

/** An email address in a pool. */
export interface PoolAddress {
  pool: string
  /** As `normalizeEmail` returns it. */
  email: string
}

const addressesSchema: z.ZodMiniType<PoolAddress[]> = z.array(
  z.object({ pool: z.string(), email: z.string() }),
)
const idsSchema = z.array(z.object({ id: z.string() }))

const REPLACE_HASHES = `
  UPDATE users SET password_hash = new.value ->> 'hash', breach_checked_at = NULL, password_breached = 0,
    tokens_valid_from = max(tokens_valid_from, ?1), version = version + 1, updated_at = ?1
  FROM json_each(?2) AS new WHERE users.id = new.value ->> 'id' AND users.hash_replaceable = 1
  RETURNING users.id AS id`

/** Reads and changes existing users for an import, in D1. */
export class UserImportStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /** Finds the users with one of the usernames. @throws StorageUnavailable, CorruptRecord */
  async findByNames(names: readonly Pick<User, 'pool' | 'username'>[]): Promise<User[]> {
    const rows = await this.#readAll(
      `SELECT users.* FROM json_each(?) AS name
       JOIN users ON users.pool = name.value ->> 'pool' AND users.username = name.value ->> 'username'`,
      names,
    )
    return rows.map(decodeUserRow)
  }

  /** Finds the addresses that are verified for a user of their pool. @throws StorageUnavailable, CorruptRecord */
  async findVerified(addresses: readonly PoolAddress[]): Promise<PoolAddress[]> {
    if (addresses.length === 0) return []
    const rows = await this.#readAll(
      `SELECT users.pool AS pool, users.verified_email AS email FROM json_each(?) AS address
       JOIN users ON users.pool = address.value ->> 'pool' AND users.verified_email = address.value ->> 'email'`,
      addresses,
    )
    return decodeRecord(addressesSchema, 'verified addresses', rows)
  }

  /** The rows of a query in every database. @param list The value of `?`, as JSON. */
  async #readAll(sql: string, list: readonly object[]): Promise<unknown[]> {
    const reads = this.#databases.all().map(async (db) => {
      const { results } = await callStore('D1 users', () => db.prepare(sql).bind(JSON.stringify(list)).all())
      return results
    })
    return (await Promise.all(reads)).flat()
  }

  /**
   * Replaces hashes that an import may replace, in one transaction with further statements for each database. Older refresh tokens become invalid.
   * No access token needs a revocation, because no sign-in has used the old hash.
   *
   * @param hashes PHC strings by the ids of users.
   * @param now Unix seconds.
   * @returns the ids of the users whose hash was replaced
   * @throws StorageUnavailable
   */
  async replaceHashes(
    hashes: ReadonlyMap<string, string>,
    now: number,
    alongside: D1PreparedStatement[],
  ): Promise<ReadonlySet<string>> {
    const groups = this.#databases.group(hashes.keys(), (id) => id)
    const updates = [...groups].map(([db, ids]) => {
      const update = db
        .prepare(REPLACE_HASHES)
        .bind(now, JSON.stringify(ids.map((id) => ({ id, hash: hashes.get(id) }))))
      return callStore('D1 users', () => db.batch([update, ...alongside]))
    })
    const updated = (await Promise.all(updates)).flatMap(([result]) => result?.results ?? [])
    return new Set(decodeRecord(idsSchema, 'users', updated).map(({ id }) => id))
  }
}
