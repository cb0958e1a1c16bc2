import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { answerWithin, callStore, PATIENCE_MS } from '../lib/storage_error.ts'
import { CHANGE_LIST_SECONDS } from './copy_ages.ts'

/** A subquery: the number of the latest change that a row read by the same statement includes. */
export const LATEST_CHANGE = '(SELECT coalesce(max(seq), 0) FROM copy_changes)'

/** The most changes that one read takes: the newest ones. Copies from before these are not used. */
const MAX_CHANGES = 100

/** The most changes that an isolate remembers. */
const MAX_REMEMBERED = 1000

/** After a failed read, the next one comes after this time. */
const READ_AGAIN_SECONDS = 5

const rowsSchema = z.array(z.object({ seq: z.int(), name: z.string() }))

/**
 * The list of records that changed, by the names of their copies, with the number of the latest change of each. An isolate
 * keeps it in memory and reads new rows from D1 every few seconds. It shows which copies are outdated, at any age of a copy.
 */
export class ChangeListStore {
  readonly #db: D1Database
  readonly #flights = new SingleFlight<void>()
  /** The number of the latest change by name, the oldest first. */
  readonly #changes = new Map<string, number>()
  #latest = 0
  /** Every change after this one is in the list. */
  #coversAfter = 0
  /** Unix seconds. */
  #readAt = Number.NEGATIVE_INFINITY
  #tryAgainAt = Number.NEGATIVE_INFINITY

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The number of the latest change that this isolate knows of. */
  get latest(): number {
    return this.#latest
  }

  /** Whether a copy lacks a change, as far as this isolate knows. @param asOf The latest change that the copy includes. */
  isOutdated(name: string, asOf: number): boolean {
    return asOf < this.#coversAfter || asOf < (this.#changes.get(name) ?? 0)
  }

  /** Begins to read new changes if the list is no longer fresh. */
  refresh(context: RequestContext): void {
    // Held by the request: the runtime cancels what waits for the read of another request after its own has ended.
    if (this.#isDue(context.now)) context.waitUntil(this.#read(context).catch(() => {}))
  }

  /**
   * Waits until the list is at most CHANGE_LIST_SECONDS.max old; mostly it is, and there is no wait. While D1 cannot be read,
   * it waits for PATIENCE_MS once in READ_AGAIN_SECONDS, and the list stays as it is.
   *
   * @returns Whether the list is that young
   */
  async confirm(context: RequestContext): Promise<boolean> {
    this.refresh(context)
    if (this.#isYoung(context.now)) return true
    if (context.now < this.#tryAgainAt) return false
    try {
      await answerWithin(PATIENCE_MS, this.#read(context))
      return true
    } catch (error) {
      log('error', 'changes_not_read', { cause: describeError(error) })
      this.#tryAgainAt = context.now + READ_AGAIN_SECONDS
      return false
    }
  }

  #isYoung(now: number): boolean {
    return now - this.#readAt <= CHANGE_LIST_SECONDS.max
  }

  #isDue(now: number): boolean {
    return now - this.#readAt >= CHANGE_LIST_SECONDS.refreshAfter && now >= this.#tryAgainAt
  }

  #read(context: RequestContext): Promise<void> {
    return this.#flights.run('changes', context, async () => {
      const select = this.#db
        .prepare('SELECT seq, name FROM copy_changes WHERE seq > ? ORDER BY seq DESC LIMIT ?')
        .bind(this.#latest, MAX_CHANGES)
      const { results } = await callStore('D1 copy_changes', () => select.all())
      this.#take(decodeRecord(rowsSchema, 'copy changes', results).reverse())
      this.#readAt = context.now
    })
  }

  /** @param rows The oldest first. */
  #take(rows: readonly { seq: number; name: string }[]): void {
    const [oldest] = rows
    if (rows.length === MAX_CHANGES && oldest) this.#coversAfter = oldest.seq - 1
    for (const { seq, name } of rows) {
      this.#changes.delete(name)
      this.#changes.set(name, seq)
      this.#latest = seq
    }
    for (const [name, seq] of this.#changes) {
      if (this.#changes.size <= MAX_REMEMBERED) break
      this.#changes.delete(name)
      this.#coversAfter = seq
    }
  }
}
