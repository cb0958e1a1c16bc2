import * as z from 'zod/mini'
import { HAS_REMAINING, type RemainingFactor } from '../factors/remaining_factor.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import {
  decodeFailureCounts,
  type FailureCount,
  type FailureKey,
  SELECT_COUNTS,
} from '../users/failure_count.ts'
import { decodeUserRow, type StoredUser, USER_COLUMNS } from '../users/user.ts'
import { decodePasskeyRow, PASSKEY_COLUMNS, type Passkey } from './passkey.ts'

const STORE = 'D1 passkeys'

/** The passkey, its user and the counts of the caller. */
export interface PasskeyRecord {
  passkey: Passkey | null
  /** Null without a passkey, and if the user was deleted. */
  user: StoredUser | null
  failures: FailureCount[]
}

/** A use of a passkey. Times are Unix seconds. */
export interface PasskeyUse {
  id: string
  signCount: number
  isBackedUp: boolean
  now: number
}

interface PasskeyRemoval extends Pick<Passkey, 'id' | 'subject'> {
  remaining: RemainingFactor
}

const SELECT_FOR_SIGN_IN = `
  SELECT ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')}, f.failures,
    CASE WHEN p.id IS NOT NULL
      THEN json_object(${PASSKEY_COLUMNS.map((name) => `'${name}', p.${name}`).join(', ')}) END AS passkey
  FROM (${SELECT_COUNTS}) AS f
    LEFT JOIN passkeys AS p ON p.credential_id = ?3 LEFT JOIN users AS u ON u.id = p.subject`

const recordSchema = z.object({
  id: z.nullable(z.string()),
  failures: z.string(),
  passkey: z.nullable(z.string()),
})

/** Passkeys in D1. Every statement runs at the primary. */
export class PasskeyStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The passkeys of a user, oldest first. @throws StorageUnavailable, CorruptRecord */
  async list(subject: string): Promise<Passkey[]> {
    const select = this.#db
      .withSession('first-primary')
      .prepare(`SELECT ${PASSKEY_COLUMNS.join(', ')} FROM passkeys WHERE subject = ? ORDER BY created_at, id`)
      .bind(subject)
    const { results } = await callStore(STORE, () => select.all())
    return results.map(decodePasskeyRow)
  }

  /** Reads all that a sign-in needs in one call. @throws StorageUnavailable, CorruptRecord */
  async findForSignIn(
    credentialId: string,
    keys: readonly FailureKey[],
    now: number,
  ): Promise<PasskeyRecord> {
    const select = this.#db
      .withSession('first-primary')
      .prepare(SELECT_FOR_SIGN_IN)
      .bind(now, JSON.stringify(keys), credentialId)
    const row = await callStore(STORE, () => select.first())
    const { id, failures, passkey } = decodeRecord(recordSchema, 'passkey', row)
    return {
      passkey: passkey === null ? null : decodePasskeyRow(parseJsonColumn('passkey', passkey)),
      user: id === null ? null : decodeUserRow(row),
      failures: decodeFailureCounts(failures),
    }
  }

  /**
   * Adds a passkey, in one transaction with the use of its challenge and further statements. These do nothing if `changes()` is 0.
   *
   * @param spend The statement that uses the challenge. It changes no row if the challenge was used before.
   * @param most The most passkeys that the user has afterwards.
   * @returns false if the challenge was used, the credential id is known, the user has too many passkeys or was deleted
   * @throws StorageUnavailable
   */
  async add(
    passkey: Passkey,
    { spend, most }: { spend: D1PreparedStatement; most: number },
    alongside: readonly D1PreparedStatement[],
  ): Promise<boolean> {
    const { id, credentialId, subject, pool, rpId, publicKey, transports, name, ...rest } = passkey
    const insert = this.#db
      .prepare(
        `INSERT INTO passkeys (id, credential_id, subject, pool, rp_id, public_key, alg, sign_count, transports, name,
           backup_eligible, backed_up, created_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
         WHERE changes() > 0 AND EXISTS (SELECT 1 FROM users WHERE id = ?3 AND pool = ?4)
           AND (SELECT count(*) FROM passkeys WHERE subject = ?3) < ?14
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        id,
        credentialId,
        subject,
        pool,
        rpId,
        JSON.stringify(publicKey.jwk),
        publicKey.alg,
        rest.signCount,
        JSON.stringify(transports),
        name,
        Number(rest.isBackupEligible),
        Number(rest.isBackedUp),
        rest.createdAt,
        most,
      )
    const [, added] = await callStore(STORE, () => this.#db.batch([spend, insert, ...alongside]))
    return (added?.meta.changes ?? 0) > 0
  }

  /**
   * Uses a passkey, in one transaction with the use of its challenge.
   *
   * @param spend As for `add`.
   * @returns false if the challenge was used, the counter did not grow, or the passkey was removed
   * @throws StorageUnavailable
   */
  async use({ id, signCount, isBackedUp, now }: PasskeyUse, spend: D1PreparedStatement): Promise<boolean> {
    const update = this.#db
      .prepare(
        `UPDATE passkeys SET sign_count = ?2, backed_up = ?3, last_used_at = ?4
         WHERE id = ?1 AND changes() > 0 AND (sign_count < ?2 OR (sign_count = 0 AND ?2 = 0))`,
      )
      .bind(id, signCount, Number(isBackedUp), now)
    const [, used] = await callStore(STORE, () => this.#db.batch([spend, update]))
    return (used?.meta.changes ?? 0) > 0
  }

  /** Renames a passkey of a user. @returns false for an unknown passkey and that of another user @throws StorageUnavailable */
  async rename({ id, subject, name }: Pick<Passkey, 'id' | 'subject' | 'name'>): Promise<boolean> {
    const rename = this.#db
      .prepare('UPDATE passkeys SET name = ? WHERE id = ? AND subject = ?')
      .bind(name, id, subject)
    const { meta } = await callStore(STORE, () => rename.run())
    return meta.changes > 0
  }

  /**
   * Removes a passkey of a user, in one transaction with further statements. These do nothing if `changes()` is 0.
   *
   * @returns false for an unknown passkey and that of another user, and for a user who no longer has the remaining factor
   * @throws StorageUnavailable
   */
  async remove(passkey: PasskeyRemoval, alongside: readonly D1PreparedStatement[]): Promise<boolean> {
    const [removed] = await callStore(STORE, () => this.#db.batch([this.removal(passkey), ...alongside]))
    return (removed?.meta.changes ?? 0) > 0
  }

  /** The statement that removes a passkey of a user. */
  removal({ id, subject, remaining }: PasskeyRemoval): D1PreparedStatement {
    return this.#db
      .prepare(`DELETE FROM passkeys WHERE subject = ?1 AND id = ?3 AND ${HAS_REMAINING}`)
      .bind(subject, remaining, id)
  }
}
