import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'

const STORE = 'D1 known_origins'

const DAY = 86_400

/** An unused origin is known for this time, like the cookie that recognizes a browser. */
export const ORIGIN_SECONDS = 400 * DAY

/** The most origins of a user. A further one replaces the one that was seen least recently. */
export const MAX_ORIGINS = 20

/** The hash of an origin of a user. */
export interface OriginReference {
  subject: string
  /** The hashes under each sealing key. The first one is stored. */
  origins: readonly [string, ...string[]]
}

/** Whether the user has signed in from the origin before, or from no origin yet. */
export type OriginState = 'known' | 'new' | 'first'

const SELECT_STATE = `
  SELECT count(*) AS origins, count(CASE WHEN origin IN (SELECT value FROM json_each(?2)) THEN 1 END) AS is_known
  FROM known_origins WHERE subject = ?1`

/** A known origin is written once a day at most. */
const REMEMBER = `
  INSERT INTO known_origins (subject, origin, seen_at) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET seen_at = ?3 WHERE seen_at <= ?3 - ${DAY}`

const DROP_OLDEST = `
  DELETE FROM known_origins WHERE changes() > 0 AND subject = ?1 AND origin IN (
    SELECT origin FROM known_origins WHERE subject = ?1 ORDER BY origin = ?2 DESC, seen_at DESC LIMIT -1 OFFSET ${MAX_ORIGINS})`

const stateSchema = z.object({ origins: z.int(), is_known: z.int() })

/** The origins of sign-ins in D1. Each call throws StorageUnavailable. */
export class KnownOriginStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The state of an origin. It is not remembered. */
  async find(reference: OriginReference): Promise<OriginState> {
    return stateOf(await callStore(STORE, () => this.#select(reference).first()))
  }

  /**
   * Remembers an origin, in one transaction with the read of its state. Of parallel sign-ins from a new origin, exactly one gets the
   * state `new`.
   *
   * @returns the state before
   */
  async remember(reference: OriginReference, now: number): Promise<OriginState> {
    const {
      subject,
      origins: [origin],
    } = reference
    const statements = [
      this.#select(reference),
      this.#db.prepare(REMEMBER).bind(subject, origin, now),
      this.#db.prepare(DROP_OLDEST).bind(subject, origin),
    ]
    const [state] = await callStore(STORE, () => this.#db.batch(statements))
    return stateOf(state?.results[0])
  }

  /**
   * A statement that makes every origin of a user unknown if the statement before it changed a row. The rows stay, so that the next
   * origin is not the first one. An origin that was forgotten twice keeps one row.
   */
  forgettingIfChanged(subject: string): D1PreparedStatement {
    return this.#db
      .prepare(
        `UPDATE OR REPLACE known_origins SET origin = 'forgotten ' || origin
         WHERE changes() > 0 AND subject = ? AND origin NOT LIKE 'forgotten %'`,
      )
      .bind(subject)
  }

  /** Removes up to `limit` origins that were not seen since a time. @returns how many */
  async sweep(before: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM known_origins WHERE (subject, origin) IN
           (SELECT subject, origin FROM known_origins WHERE seen_at <= ? LIMIT ?)`,
      )
      .bind(before, limit)
    const { meta } = await callStore(STORE, () => sweep.run())
    return meta.changes
  }

  #select({ subject, origins }: OriginReference): D1PreparedStatement {
    return this.#db.prepare(SELECT_STATE).bind(subject, JSON.stringify(origins))
  }
}

function stateOf(row: unknown): OriginState {
  const { origins, is_known: isKnown } = decodeRecord(stateSchema, 'known origins', row)
  if (isKnown > 0) return 'known'
  return origins > 0 ? 'new' : 'first'
}
