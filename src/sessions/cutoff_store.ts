import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { CLIENT_MARGIN_SECONDS, RECORD_MARGIN_SECONDS } from '../storage/copy_ages.ts'

/** The `before` of a cut-off of a user or of a single token. Unix seconds. */
export function cutoffTime(now: number): number {
  return now + 1 + RECORD_MARGIN_SECONDS
}

/** The `before` of a cut-off of a client: it reaches the tokens that copies of the client may still issue. Unix seconds. */
export function clientCutoffTime(now: number): number {
  return now + 1 + CLIENT_MARGIN_SECONDS
}

/**
 * Only cut-offs made after this matter still: the tokens that earlier ones ended have expired. Unix seconds.
 *
 * @param windowSeconds The longest that an access token lives.
 */
export function oldestListed(now: number, windowSeconds: number): number {
  return now - windowSeconds - 1 - CLIENT_MARGIN_SECONDS
}

/** The `before` of a session that ended: it issues nothing more, so this may lie ahead of every clock. */
export function sessionCutoffTime(now: number): number {
  return now + 60
}

export type CutoffKind = 'sid' | 'sub' | 'client_id' | 'jti'

/** Tokens of that session, subject, client or jti that were issued before a second are dead. */
export interface Cutoff {
  kind: CutoffKind
  value: string
  /** Unix seconds. */
  before: number
}

/** The cut-offs of one database, and how far its list has grown: a number that never goes back. */
export interface CutoffList {
  cutoffs: Cutoff[]
  sequence: number
}

const cutoffsSchema: z.ZodMiniType<Cutoff[]> = z.array(
  z.object({ kind: z.enum(['sid', 'sub', 'client_id', 'jti']), value: z.string(), before: z.int() }),
)
const sequenceSchema = z.array(z.object({ sequence: z.nullable(z.int()) }))

/** The cut-offs that one database lists: those of its sessions, and in the main one those of people and clients. */
export class CutoffStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Lists a cut-off where the statement before it changed something, its reason. A later `before` stays. */
  additionIfChanged(cutoff: Cutoff & { reason: string }, now: number): D1PreparedStatement {
    return this.#addition(cutoff, now, 'changes() > 0')
  }

  #addition(
    { kind, value, before, reason }: Cutoff & { reason: string },
    now: number,
    condition: string,
  ): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT OR REPLACE INTO cutoffs (kind, value, before, reason, created_at)
         SELECT ?1, ?2, max(?3, coalesce((SELECT before FROM cutoffs WHERE kind = ?1 AND value = ?2), 0)), ?4, ?5
         WHERE ${condition}`,
      )
      .bind(kind, value, before, reason, now)
  }

  /** @throws StorageUnavailable */
  async add(cutoff: Cutoff & { reason: string }, now: number): Promise<void> {
    await callStore('D1 cutoffs', () => this.#addition(cutoff, now, 'true').run())
  }

  /** The cut-offs made after a moment, oldest first. @throws StorageUnavailable, CorruptRecord */
  async list(after: number): Promise<CutoffList> {
    const [rows, last] = await callStore('D1 cutoffs', () =>
      this.#db.batch([
        this.#db
          .prepare('SELECT kind, value, before FROM cutoffs WHERE created_at > ? ORDER BY id')
          .bind(after),
        this.#db.prepare('SELECT max(id) AS sequence FROM cutoffs'),
      ]),
    )
    const [{ sequence } = { sequence: null }] = decodeRecord(sequenceSchema, 'cutoffs', last?.results)
    return { cutoffs: decodeRecord(cutoffsSchema, 'cutoffs', rows?.results), sequence: sequence ?? 0 }
  }

  /** Removes up to `limit` made before a moment, never the newest: the sequence must not go back. */
  async sweep(madeBefore: number, limit: number): Promise<number> {
    const sweep = this.#db
      .prepare(
        `DELETE FROM cutoffs WHERE id IN
           (SELECT id FROM cutoffs WHERE created_at < ? AND id < (SELECT max(id) FROM cutoffs) LIMIT ?)`,
      )
      .bind(madeBefore, limit)
    const { meta } = await callStore('D1 cutoffs', () => sweep.run())
    return meta.changes
  }
}
