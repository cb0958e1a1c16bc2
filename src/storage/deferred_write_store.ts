import { type Clock, systemClock } from '../lib/clock.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'

/** The time for which an isolate collects writes for one call. D1 runs one write at a time. */
const GATHER_MS = 200

/** After this time, the isolate starts a new call, because the runtime has stopped the request of the previous call. */
const PATIENCE_SECONDS = 3

/** The statements of a source, for one transaction with those of the other sources. */
export interface DeferredPart {
  /** The table and the number of its entries, for the log. */
  what: string
  statements: readonly D1PreparedStatement[]
  /** Continues with the results, in the request that made the call. Absent if the results are not needed. */
  finish?(results: readonly D1Result[], waitUntil: RequestContext['waitUntil']): void
}

/** A feature whose writes no response waits for. */
export interface DeferredSource {
  /**
   * Takes all pending writes; null without one. A write that is added during the call belongs to the next one.
   *
   * @param now The time of the request that makes the call, in Unix seconds.
   */
  take(now: number): Promise<DeferredPart | null>
}

/**
 * Writes to D1 after the response, in one call for all sources and all requests of GATHER_MS. A failed call is logged. It loses the
 * writes of all sources.
 */
export class DeferredWriteStore {
  readonly #db: D1Database
  readonly #clock: Pick<Clock, 'pause'>
  readonly #sources: DeferredSource[] = []
  /** The time of the request that collects the pending writes, in Unix seconds; null without one. */
  #collecting: { since: number } | null = null

  constructor(db: D1Database, clock: Pick<Clock, 'pause'> = systemClock) {
    this.#db = db
    this.#clock = clock
  }

  /** Adds a source. The statements of an earlier source run first. */
  join(source: DeferredSource): void {
    this.#sources.push(source)
  }

  /** Includes the pending writes of all sources in the next call. */
  schedule(context: RequestContext): void {
    if (this.#collecting !== null && context.now - this.#collecting.since <= PATIENCE_SECONDS) return
    const collecting = { since: context.now }
    this.#collecting = collecting
    runLater(context, 'deferred writes', async () => {
      await this.#clock.pause(GATHER_MS)
      if (this.#collecting === collecting) this.#collecting = null
      await this.#write(context)
    })
  }

  async #write({ now, waitUntil }: RequestContext): Promise<void> {
    const taken = await Promise.all(this.#sources.map((source) => source.take(now)))
    const parts = taken.filter((part) => part !== null)
    const all = parts.flatMap(({ statements }) => statements)
    if (all.length === 0) return
    const names = parts.map(({ what }) => what).join(', ')
    const results = await callStore(`D1 ${names}`, () => this.#db.batch(all))
    for (const { statements, finish } of parts) {
      const own = results.splice(0, statements.length)
      finish?.(own, waitUntil)
    }
  }
}
