import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { CLIENT_MARGIN_SECONDS, RECORD_MARGIN_SECONDS } from '../storage/copy_ages.ts'

/** The feed lists a revocation for this time after its tokens have expired, because clocks differ. */
export const LISTED_AFTER_EXPIRY_SECONDS = 60

/** The `before` of a revocation of a user or of a single token. Unix seconds. */
export function revocationTime(now: number): number {
  return now + 1 + RECORD_MARGIN_SECONDS
}

/** The `before` of a revocation of a client. It includes tokens that isolates with an old copy may still issue. Unix seconds. */
export function clientRevocationTime(now: number): number {
  return now + 1 + CLIENT_MARGIN_SECONDS
}

/** The `before` of an ended session. It can be in the future, because the session issues no more tokens. Unix seconds. */
export function sessionRevocationTime(now: number): number {
  return now + SESSION_MARGIN_SECONDS
}

/** The isolate that ends a session can see an `iat` that is up to this time in the future, because clocks differ. */
export const SESSION_MARGIN_SECONDS = 60

/** `all` has no value. It revokes every access token that was issued before its second. */
export type RevocationKind = 'sid' | 'sub' | 'client_id' | 'jti' | 'all'

/** A revocation of the access tokens of a session, subject, client or `jti` that were issued before a second. */
export interface Revocation {
  kind: RevocationKind
  /** Empty for `all`. */
  value: string
  /** Unix seconds. */
  before: number
}

/** A revocation that the feed is going to list. */
export interface NewRevocation extends Revocation {
  reason: string
  /** The client of the tokens; null if there can be several. */
  clientId: string | null
  /** The latest `exp` of the revoked tokens, in Unix seconds. */
  expiresAt: number
}

/** A stored revocation. A row never changes: a new time is a new row with a new id. */
export interface StoredRevocation extends NewRevocation {
  id: number
}

/** The revocations of one database, oldest first, and the highest id that the database ever used. */
export interface RevocationList {
  revocations: StoredRevocation[]
  lastId: number
}

const revocationsSchema = z.array(
  z.object({
    id: z.int(),
    kind: z.enum(['sid', 'sub', 'client_id', 'jti', 'all']),
    value: z.string(),
    before: z.int(),
    reason: z.string(),
    clientId: z.nullable(z.string()),
    expiresAt: z.int(),
  }),
)
const lastIdSchema = z.array(z.object({ lastId: z.nullable(z.int()) }))

/** The listed revocations of one database. The main database also has those of users, clients and single tokens. */
export class RevocationStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Makes a statement that lists a revocation if the previous statement changed a row. Its `before` is at least one second
   * after the `before` of the last revocation with the same kind and value. The row of the user or the client has the same rule.
   */
  additionIfChanged(revocation: NewRevocation, now: number): D1PreparedStatement {
    return this.#addition(revocation, now, { condition: 'changes() > 0', stepSeconds: 1 })
  }

  /** @param rule The condition on the last row `old`, and the minimum difference between the two values of `before`. */
  #addition(
    revocation: NewRevocation,
    now: number,
    { condition, stepSeconds }: { condition: string; stepSeconds: 0 | 1 },
  ): D1PreparedStatement {
    const { kind, value, before, reason, clientId, expiresAt } = revocation
    return this.#db
      .prepare(
        `INSERT OR REPLACE INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
         SELECT ?1, ?2, max(?3, coalesce(old.before + ?8, 0)), ?4, ?5,
           max(?6, coalesce(old.expires_at + ?8, 0)), ?7
         FROM (SELECT 1) LEFT JOIN cutoffs AS old ON old.kind = ?1 AND old.value = ?2
         WHERE ${condition}`,
      )
      .bind(kind, value, before, reason, now, expiresAt, clientId, stepSeconds)
  }

  /**
   * Lists the revocation of one token or one session, if it is not listed yet.
   *
   * @returns Whether this call listed it
   * @throws StorageUnavailable
   */
  async add(revocation: NewRevocation & { kind: 'jti' | 'sid' }, now: number): Promise<boolean> {
    const { kind, value, before, reason, clientId, expiresAt } = revocation
    const addition = this.#db
      .prepare(
        `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .bind(kind, value, before, reason, now, expiresAt, clientId)
    const { meta } = await callStore('D1 cutoffs', () => addition.run())
    return meta.changes > 0
  }

  /** The revocations with an id over `afterId` that the feed lists at `now`. @throws StorageUnavailable, CorruptRecord */
  async list({ now, afterId = 0 }: { now: number; afterId?: number }): Promise<RevocationList> {
    const [rows, last] = await callStore('D1 cutoffs', () =>
      this.#db.batch([
        this.#db
          .prepare(
            `SELECT id, kind, value, before, reason, client_id AS clientId, expires_at AS expiresAt
             FROM cutoffs WHERE id > ? AND expires_at > ? ORDER BY id`,
          )
          .bind(afterId, now - LISTED_AFTER_EXPIRY_SECONDS),
        this.#db.prepare('SELECT max(id) AS lastId FROM cutoffs'),
      ]),
    )
    const [{ lastId } = { lastId: null }] = decodeRecord(lastIdSchema, 'cutoffs', last?.results)
    return { revocations: decodeRecord(revocationsSchema, 'cutoffs', rows?.results), lastId: lastId ?? 0 }
  }

  /**
   * Replaces revocations by coarser ones, in one transaction. Two isolates can merge at the same time, because a row never
   * changes and the `before` of a coarse revocation only grows.
   *
   * @returns How many revocations this call removed
   * @throws StorageUnavailable
   */
  async merge(
    { additions, removedIds }: { additions: readonly NewRevocation[]; removedIds: readonly number[] },
    now: number,
  ): Promise<number> {
    const isWider = 'old.id IS NULL OR old.before < ?3 OR old.expires_at < ?6'
    const rule = { condition: isWider, stepSeconds: 0 } as const
    const removal = this.#db
      .prepare('DELETE FROM cutoffs WHERE id IN (SELECT value FROM json_each(?))')
      .bind(JSON.stringify(removedIds))
    const statements = [...additions.map((revocation) => this.#addition(revocation, now, rule)), removal]
    const results = await callStore('D1 cutoffs', () => this.#db.batch(statements))
    return results.at(-1)?.meta.changes ?? 0
  }

  /**
   * Removes up to `limit` revocations that the feed no longer lists. The newest row stays, so that D1 reuses no id, but without the id
   * of its user, session or token.
   *
   * @returns how many
   * @throws StorageUnavailable
   */
  async sweep(now: number, limit: number): Promise<number> {
    const before = now - LISTED_AFTER_EXPIRY_SECONDS
    const sweep = this.#db
      .prepare(
        `DELETE FROM cutoffs WHERE id IN
           (SELECT id FROM cutoffs WHERE expires_at <= ? AND id < (SELECT max(id) FROM cutoffs) LIMIT ?)`,
      )
      .bind(before, limit)
    const forget = this.#db
      .prepare(
        `UPDATE cutoffs SET value = 'expired:' || id WHERE id = (SELECT max(id) FROM cutoffs)
           AND expires_at <= ? AND kind IN ('sub', 'sid', 'jti') AND value <> 'expired:' || id`,
      )
      .bind(before)
    const [removed] = await callStore('D1 cutoffs', () => this.#db.batch([sweep, forget]))
    return removed?.meta.changes ?? 0
  }
}
