import { type RequestContext, runToEnd } from './request_context.ts'
import { STORE_DEADLINE_MS, StorageUnavailable } from './storage_error.ts'
import { timers } from './timers.ts'

/** The most requests of one call. */
export const MAX_BATCH = 64

/** A request that waits for a running call longer than this starts the next call. */
export const GATHERING_MS = 20

/** A request with this outcome sends the waiting requests. */
const TURN = Symbol('turn')

const NO_RESPONSE = 'the call of another request did not respond'

/** The calls of one isolate to one store. */
export interface BatchedCalls<Q, R> {
  /** Runs one request. */
  one(request: Q): Promise<R>
  /** Runs each request. @returns for each, its result; null if `one` must run the request */
  many(requests: Q[]): Promise<(R | null)[]>
}

type Outcome<R> = R | null | typeof TURN

interface Entry<Q, R> extends PromiseWithResolvers<Outcome<R>> {
  request: Q
}

/**
 * Sends parallel requests of an isolate to a store in few calls. Requests that arrive during a call wait for its end, and then go out in
 * one call. A request without parallel requests is sent at once, by a call for one request.
 *
 * The oldest waiting request sends the call, because the runtime stops the I/O of a request that has ended. If a request stops early, the
 * timers of the others end their wait.
 */
export class CallBatches<Q, R> {
  readonly #calls: BatchedCalls<Q, R>
  /** The oldest first, without the one that has its turn. */
  #waiting: Entry<Q, R>[] = []
  /** The request that sends the newest call, or has its turn to send it; null if no call runs. */
  #sender: Entry<Q, R> | null = null

  constructor(calls: BatchedCalls<Q, R>) {
    this.#calls = calls
  }

  /**
   * @param context The request runs to its end if other requests can wait for it.
   * @throws the error of the call; StorageUnavailable if the call of another request does not respond
   */
  run(request: Q, context: Pick<RequestContext, 'waitUntil'>): Promise<R> {
    const entry: Entry<Q, R> = { request, ...Promise.withResolvers() }
    const isFirst = this.#sender === null || this.#waiting.length >= MAX_BATCH - 1
    // `waitUntil` costs processor time. If the runtime stops this request, the timers of later ones end their wait.
    if (isFirst && this.#waiting.length === 0) return this.#finish(request, this.#send(entry))
    return runToEnd(
      context,
      this.#finish(request, isFirst ? this.#send(entry, true) : this.#waitOrSend(entry)),
    )
  }

  async #finish(request: Q, result: Promise<R | null>): Promise<R> {
    return (await result) ?? this.#calls.one(request)
  }

  async #waitOrSend(entry: Entry<Q, R>): Promise<R | null> {
    const outcome = await this.#wait(entry)
    return outcome === TURN ? this.#send(entry) : outcome
  }

  async #wait(entry: Entry<Q, R>): Promise<Outcome<R>> {
    this.#waiting.push(entry)
    let timer = timers.start(() => {
      const place = this.#waiting.indexOf(entry)
      if (place !== -1) {
        this.#waiting.splice(place, 1)
        entry.resolve(TURN)
      } else timer = timers.start(() => entry.reject(new StorageUnavailable(NO_RESPONSE)), STORE_DEADLINE_MS)
    }, GATHERING_MS)
    try {
      return await entry.promise
    } finally {
      timers.stop(timer)
    }
  }

  /**
   * Sends a request with all waiting requests, in the order of their arrival.
   *
   * @param isNewest Whether the request arrived after those that wait; otherwise before them.
   * @returns its result; null if `one` must run it
   */
  async #send(entry: Entry<Q, R>, isNewest = false): Promise<R | null> {
    const others = this.#waiting.splice(0)
    this.#sender = entry
    try {
      if (others.length === 0) return await this.#calls.one(entry.request)
      const batch = isNewest ? [...others, entry] : [entry, ...others]
      const results = await this.#calls.many(batch.map(({ request }) => request))
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] ?? null)
      return results[batch.indexOf(entry)] ?? null
    } catch (error) {
      for (const { reject } of others) reject(error)
      throw error
    } finally {
      if (this.#sender === entry) this.#passTurn()
    }
  }

  #passTurn(): void {
    this.#sender = this.#waiting.shift() ?? null
    this.#sender?.resolve(TURN)
  }
}
