import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import {
  decodeFailureCounts,
  type Failure,
  type FailureCount,
  type FailureKey,
  SELECT_COUNTS,
} from '../users/failure_count.ts'
import type { FailureStore } from '../users/failure_store.ts'
import { decodeUserRow, type StoredUser, USER_COLUMNS } from '../users/user.ts'
import { HAS_REMAINING, type RemainingFactor } from './remaining_factor.ts'

/** The authenticator app of a user, for a check of a code. */
export interface TotpFactor {
  id: string
  sealedSecret: string
  /** The time step of the last accepted code. */
  lastStep: number
}

/** A new authenticator app. Its first code was accepted. */
export interface NewTotpFactor extends TotpFactor {
  subject: string
  /** The name of the key of the seal. */
  sealedBy: string
  /** The hashes of the new recovery codes. They replace all earlier codes. */
  codeHashes: readonly string[]
  /** Whether the app is added only if the user has none. */
  isFirst: boolean
}

/** The user, the authenticator app and the counts of failures of a check. */
export interface FactorRecord {
  /** Null if the user was deleted. */
  user: StoredUser | null
  totp: TotpFactor | null
  /** Whether the user has the recovery code of the query, and it is unused. */
  hasCode: boolean
  failures: FailureCount[]
}

/** A second factor for users and operators. It has no secret. Times are Unix seconds. */
export interface FactorSummary {
  kind: 'totp' | 'recovery_codes'
  createdAt: number
  /** Null if it was never used. */
  lastUsedAt: number | null
  /** The number of unused recovery codes; null for an authenticator app. */
  left: number | null
}

const SELECT_RECORD = `
  SELECT ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')}, f.failures,
    t.id AS totp_id, t.sealed_secret, t.last_step,
    EXISTS (SELECT 1 FROM recovery_codes WHERE subject = ?3 AND code_hash = ?4 AND used_at IS NULL) AS has_code
  FROM (${SELECT_COUNTS}) AS f LEFT JOIN users AS u ON u.id = ?3 LEFT JOIN totp_factors AS t ON t.subject = u.id`

const recordSchema = z.object({
  id: z.nullable(z.string()),
  failures: z.string(),
  totp_id: z.nullable(z.string()),
  sealed_secret: z.nullable(z.string()),
  last_step: z.nullable(z.int()),
  has_code: z.int(),
})

const summariesSchema: z.ZodMiniType<FactorSummary[]> = z.array(
  z.object({
    kind: z.enum(['totp', 'recovery_codes']),
    createdAt: z.int(),
    lastUsedAt: z.nullable(z.int()),
    left: z.nullable(z.int()),
  }),
)

const SELECT_SUMMARIES = `
  SELECT 'totp' AS kind, confirmed_at AS createdAt, last_used_at AS lastUsedAt, NULL AS "left"
    FROM totp_factors WHERE subject = ?1
  UNION ALL
  SELECT 'recovery_codes', max(created_at), max(used_at), count(*) - count(used_at)
    FROM recovery_codes WHERE subject = ?1 HAVING count(*) > 0`

interface TotpRemoval {
  subject: string
  remaining: RemainingFactor
}

/** The use of a second factor, which counts as a failure until the statement succeeds. */
export interface FactorUse {
  failure: Failure
  now: number
  /**
   * A statement that uses the sign-in in which the factor was sent, if the statement before it changed a row. Absent for a sign-in
   * that may be used again.
   */
  spend?: D1PreparedStatement
}

/** `spent`: the factor was used, and the sign-in had been used before. */
export type FactorUsed = 'used' | 'refused' | 'spent'

/** Second factors in D1. Every statement runs at the primary. */
export class FactorStore {
  readonly #db: D1Database
  readonly #failures: Pick<FailureStore, 'counting' | 'releaseIfChanged'>

  constructor(db: D1Database, failures: Pick<FailureStore, 'counting' | 'releaseIfChanged'>) {
    this.#db = db
    this.#failures = failures
  }

  /** Reads all that a check needs in one call at the primary. @throws StorageUnavailable, CorruptRecord */
  async findForCheck(
    { subject, codeHash }: { subject: string; codeHash: string | null },
    keys: readonly FailureKey[],
    now: number,
  ): Promise<FactorRecord> {
    const select = this.#db
      .withSession('first-primary')
      .prepare(SELECT_RECORD)
      .bind(now, JSON.stringify(keys), subject, codeHash)
    const row = await callStore('D1 factors', () => select.first())
    const decoded = decodeRecord(recordSchema, 'second factors', row)
    const { totp_id: id, sealed_secret: sealedSecret, last_step: lastStep } = decoded
    const hasTotp = id !== null && sealedSecret !== null && lastStep !== null
    return {
      user: decoded.id === null ? null : decodeUserRow(row),
      totp: hasTotp ? { id, sealedSecret, lastStep } : null,
      hasCode: decoded.has_code === 1,
      failures: decodeFailureCounts(decoded.failures),
    }
  }

  /**
   * Uses a time step once, over all locations. The transaction counts a failure, uses the step unless the count is locked, and
   * resets the count.
   *
   * @returns `refused` if the count is locked, if the step or a later step was used, or if the app was removed
   * @throws StorageUnavailable
   */
  useTotp(id: string, step: number, use: FactorUse): Promise<FactorUsed> {
    const update = this.#db
      .prepare(
        'UPDATE totp_factors SET last_step = ?2, last_used_at = ?3 WHERE id = ?1 AND last_step < ?2 AND changes() > 0',
      )
      .bind(id, step, use.now)
    return this.#use(update, use)
  }

  /**
   * Uses a recovery code once, over all locations, as `useTotp`.
   *
   * @returns `refused` if the count is locked, or if the code is unknown or was used
   * @throws StorageUnavailable
   */
  useRecoveryCode(codeHash: string, use: FactorUse): Promise<FactorUsed> {
    const update = this.#db
      .prepare(
        `UPDATE recovery_codes SET used_at = ?3
         WHERE subject = ?1 AND code_hash = ?2 AND used_at IS NULL AND changes() > 0`,
      )
      .bind(use.failure.key, codeHash, use.now)
    return this.#use(update, use)
  }

  async #use(update: D1PreparedStatement, { failure, now, spend }: FactorUse): Promise<FactorUsed> {
    const statements = [
      this.#failures.counting(failure, now),
      update,
      this.#failures.releaseIfChanged(failure),
      ...(spend === undefined ? [] : [spend]),
    ]
    const [, used, , spent] = await callStore('D1 factors', () => this.#db.batch(statements))
    if (used?.meta.changes === 0) return 'refused'
    return spent?.meta.changes === 0 ? 'spent' : 'used'
  }

  /**
   * Adds an authenticator app and new recovery codes, in one transaction with further statements. They replace the earlier ones.
   *
   * @returns false if the user was deleted, or has an app and the new one must be the first
   * @throws StorageUnavailable
   */
  async addTotp(
    factor: NewTotpFactor,
    alongside: readonly D1PreparedStatement[],
    now: number,
  ): Promise<boolean> {
    const { id, subject, sealedSecret, sealedBy, lastStep, codeHashes, isFirst } = factor
    const insert = this.#db
      .prepare(
        `INSERT INTO totp_factors (id, subject, sealed_secret, sealed_by, last_step, confirmed_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2)
           AND (?7 = 0 OR NOT EXISTS (SELECT 1 FROM totp_factors WHERE subject = ?2))
         ON CONFLICT (subject) DO UPDATE SET id = excluded.id, sealed_secret = excluded.sealed_secret,
           sealed_by = excluded.sealed_by, last_step = excluded.last_step, confirmed_at = excluded.confirmed_at,
           last_used_at = NULL`,
      )
      .bind(id, subject, sealedSecret, sealedBy, lastStep, now, Number(isFirst))
    const statements = [insert, ...alongside, ...this.#replacingCodes({ subject, codeHashes, id }, now)]
    const [added] = await callStore('D1 factors', () => this.#db.batch(statements))
    return (added?.meta.changes ?? 0) > 0
  }

  /**
   * Replaces the recovery codes of a user who has an authenticator app, in one transaction with further statements.
   *
   * @throws StorageUnavailable
   */
  async replaceCodes(
    { subject, codeHashes }: Pick<NewTotpFactor, 'subject' | 'codeHashes'>,
    alongside: readonly D1PreparedStatement[],
    now: number,
  ): Promise<void> {
    const statements = [...this.#replacingCodes({ subject, codeHashes, id: null }, now), ...alongside]
    await callStore('D1 factors', () => this.#db.batch(statements))
  }

  /** @param codes `id` is the app whose codes they are; null for any app of the user. */
  #replacingCodes(
    { subject, codeHashes, id }: Pick<NewTotpFactor, 'subject' | 'codeHashes'> & { id: string | null },
    now: number,
  ): D1PreparedStatement[] {
    return [
      this.#db
        .prepare(
          `DELETE FROM recovery_codes WHERE subject = ?1
           AND EXISTS (SELECT 1 FROM totp_factors WHERE subject = ?1 AND id = coalesce(?2, id))`,
        )
        .bind(subject, id),
      this.#db
        .prepare(
          `INSERT INTO recovery_codes (subject, code_hash, created_at) SELECT ?1, value, ?3 FROM json_each(?2)
           WHERE EXISTS (SELECT 1 FROM totp_factors WHERE subject = ?1 AND id = coalesce(?4, id))`,
        )
        .bind(subject, JSON.stringify(codeHashes), now, id),
    ]
  }

  /** The second factors of a user, without secrets. @throws StorageUnavailable, CorruptRecord */
  async list(subject: string): Promise<FactorSummary[]> {
    const select = this.#db.withSession('first-primary').prepare(SELECT_SUMMARIES).bind(subject)
    const { results } = await callStore('D1 factors', () => select.all())
    return decodeRecord(summariesSchema, 'second factors', results)
  }

  /**
   * Removes the authenticator app and the recovery codes of a user, in one transaction with further statements. These do nothing
   * if `changes()` is 0.
   *
   * @returns false if the user had no app, or no longer has the remaining factor
   * @throws StorageUnavailable
   */
  async remove(factor: TotpRemoval, alongside: readonly D1PreparedStatement[]): Promise<boolean> {
    const [app, codes] = this.removals(factor)
    const results = await callStore('D1 factors', () => this.#db.batch([app, ...alongside, codes]))
    return (results[0]?.meta.changes ?? 0) > 0
  }

  /** The statements that remove the authenticator app and the recovery codes of a user. */
  removals({ subject, remaining }: TotpRemoval): [D1PreparedStatement, D1PreparedStatement] {
    return [
      this.#db
        .prepare(`DELETE FROM totp_factors WHERE subject = ?1 AND ${HAS_REMAINING}`)
        .bind(subject, remaining),
      this.#db
        .prepare(
          `DELETE FROM recovery_codes
           WHERE subject = ?1 AND NOT EXISTS (SELECT 1 FROM totp_factors WHERE subject = ?1)`,
        )
        .bind(subject),
    ]
  }
}
