import { callStore } from '../lib/storage_error.ts'
import { ExpiredRowsStore } from '../storage/expired_rows_store.ts'

const WINDOW_SECONDS = 3600

/** One mail of a budget. */
export interface Charge {
  /** A keyed hash. */
  key: string
  /** The number of mails in an hour. The hour begins with its first mail. */
  limit: number
}

/** Counts one mail if the budget allows it and the statement before allowed it. Parameters: ?1 the key, ?2 now, ?3 the limit. */
const charge = (condition: 'true' | 'changes() > 0') => `
  INSERT INTO mail_budgets (key, mails, expires_at) SELECT ?1, 1, ?2 + ${WINDOW_SECONDS} WHERE ${condition}
  ON CONFLICT (key) DO UPDATE SET
    mails = CASE WHEN expires_at <= ?2 THEN 1 ELSE mails + 1 END,
    expires_at = CASE WHEN expires_at <= ?2 THEN ?2 + ${WINDOW_SECONDS} ELSE expires_at END
  WHERE expires_at <= ?2 OR mails < ?3
  RETURNING mails`

/** Counts the mails of the last hour in D1, for all locations together. */
export class MailBudgetStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Takes one mail from each budget in order, in one transaction. It stops at the first budget that is used up, so the budgets after
   * that one stay as they are.
   *
   * @returns the index of the budget that is used up; null if every budget allowed the mail
   * @throws StorageUnavailable
   */
  async take(charges: readonly Charge[], now: number): Promise<number | null> {
    const statements = charges.map(({ key, limit }, i) =>
      this.#db.prepare(charge(i === 0 ? 'true' : 'changes() > 0')).bind(key, now, limit),
    )
    const results = await callStore('D1 mail_budgets', () => this.#db.batch(statements))
    const exhausted = results.findIndex(({ results: rows }) => rows.length === 0)
    return exhausted < 0 ? null : exhausted
  }

  /** Removes up to `limit` ended hours. @returns how many @throws StorageUnavailable */
  sweep(now: number, limit: number): Promise<number> {
    const table = { name: 'mail_budgets', key: 'key', time: 'expires_at' }
    return new ExpiredRowsStore(this.#db, table).sweep(now, limit)
  }
}
