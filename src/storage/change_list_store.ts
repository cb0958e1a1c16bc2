import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { callStore, READ_TIMEOUT_MS, respondWithin } from '../lib/storage_error.ts'
import { CHANGE_LIST_SECONDS } from './copy_ages.ts'

/** A subquery for the number of the latest change. A row of the same statement includes all changes up to this number. */
export const LATEST_CHANGE = '(SELECT coalesce(max(seq), 0) FROM copy_changes)'

/**
 * The name in the list whose number a repair of a restored database renews (`npm run after-restore`). A session object that finds
 * another number than before has rows that the database may have lost.
 */
export const RESTORE_MARK = 'restore'

/** The maximum number of changes in one read. A read gets the newest changes. Older copies then count as outdated. */
const MAX_CHANGES = 100

/** The maximum number of changes in memory. */
const MAX_REMEMBERED = 1000

/** The time between a failed read and the next read. */
const READ_AGAIN_SECONDS = 5

const rowsSchema = z.array(z.object({ seq: z.int(), name: z.string() }))

/**
 * The list of changed records: the name of each copy and the number of its latest change. An isolate has the list in memory and
 * reads new rows from D1 every few seconds. The list shows whether a copy of any age is outdated.
 */
export class ChangeListStore {
  readonly #db: D1Database
  readonly #flights = new SingleFlight<void>()
  /** The number of the latest change of each name, the oldest first. */
  readonly #changes = new Map<string, number>()
  #latest = 0
  /** The list is complete for all changes with a number above this one. */
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

  /** The time of the last read of the list. Unix seconds; -Infinity before the first read. */
  get readAt(): number {
    return this.#readAt
  }

  /** Whether a copy lacks a change that this isolate knows. @param asOf The number of the latest change in the copy. */
  isOutdated(name: string, asOf: number): boolean {
    return asOf < this.#coversAfter || asOf < (this.#changes.get(name) ?? 0)
  }

  /** Starts a read of new changes if the list is too old. */
  refresh(context: RequestContext): void {
    // waitUntil keeps this request alive until the read ends. Otherwise the runtime cancels the read, and other requests that
    // wait for the read fail.
    if (this.#isDue(context.now)) context.waitUntil(this.#read(context).catch(() => {}))
  }

  /**
   * Waits until the list is at most CHANGE_LIST_SECONDS.max old. Usually no wait is needed. While D1 is down, it waits for
   * READ_TIMEOUT_MS once in READ_AGAIN_SECONDS and keeps the old list.
   *
   * @returns Whether the list is young enough
   */
  async confirm(context: RequestContext): Promise<boolean> {
    this.refresh(context)
    if (this.#isFresh(context.now)) return true
    if (context.now < this.#tryAgainAt) return false
    try {
      await respondWithin(READ_TIMEOUT_MS, this.#read(context))
      return true
    } catch (error) {
      log('error', 'changes_not_read', { cause: describeError(error) })
      this.#tryAgainAt = context.now + READ_AGAIN_SECONDS
      return false
    }
  }

  #isFresh(now: number): boolean {
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
