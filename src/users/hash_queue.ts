import type { PasswordQueueLimits } from '../config/password_schema.ts'
import { pause as waitFor } from '../lib/pause.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'

/**
 * The turns of the event loop between two hashes while other requests are in flight. A request needs several turns: for its start,
 * its body and its response. With fewer turns, each of these steps waits for a hash (docs/decisions/0016). If no other request is
 * in flight after one turn, the next hash starts.
 */
const TURNS_BETWEEN = 4

/**
 * After this number of turns without a hash, the queue drops the earlier requests. Their clients closed the connection, and the
 * runtime stopped their timers.
 */
const PATIENCE_TURNS = 8

/** Waits until the request is the first in the queue, then computes one hash. The hash blocks the isolate's thread. */
export type TakeTurn = <T>(hash: () => T) => Promise<T>

/** Waits for a number of milliseconds; 0 is one turn of the event loop, in which other requests and store responses continue. */
export type Pause = (ms: number) => Promise<void>

/** A waiting request pauses for this time multiplied by the number of requests before it, minus one. */
const FAR_PAUSE_MS = 8

/** A group of hashes that takes one place in the queue. */
export interface HashWork {
  /** The estimated total time of the hashes (docs/password-hashes.md). */
  estimatedMs: number
  /** Whether the account or the caller failed recently. */
  isSuspect?: boolean
}

/** The part of the queue for suspect work, so that a flood of guesses cannot fill the whole queue. */
const SUSPECT_PART = 0.5

/** The isolate of a queue. */
interface IsolateHooks {
  pause?: Pause
  /** Returns the number of requests in flight, including those that wait in the queue. */
  countRequests?: () => number
}

/**
 * Runs the password hashes of one isolate, one at a time, with time for all other requests between two hashes. Each request waits
 * with its own timers and computes its own hash. So a request that the runtime stopped does not block the others.
 */
export class HashQueue {
  readonly #limits: PasswordQueueLimits
  readonly #pause: Pause
  readonly #countRequests: () => number
  /** In the order of arrival. */
  readonly #waiting = new Set<HashWork>()
  #hashesDone = 0
  /** Whether other requests had their turns since the last hash. */
  #isRested = true

  constructor(limits: PasswordQueueLimits, { pause = waitFor, countRequests = () => 0 }: IsolateHooks = {}) {
    this.#limits = limits
    this.#pause = pause
    this.#countRequests = countRequests
  }

  /**
   * Runs work that needs hashes. All its hashes together take one place in the queue.
   *
   * @throws OAuthError temporarily_unavailable if the queue is full
   */
  async run<T>(hashes: HashWork, work: (takeTurn: TakeTurn) => Promise<T>): Promise<T> {
    const place = { ...hashes }
    if (this.#isFull(place)) await this.#requireRoom()
    try {
      return await work((hash) => this.#hashInTurn(place, hash))
    } finally {
      this.#waiting.delete(place)
    }
  }

  /**
   * For a full queue: refuses the request if the queue still computes hashes. Otherwise, drops the waiting requests, because
   * their clients closed the connection.
   */
  async #requireRoom(): Promise<void> {
    if (await this.#isMoving()) {
      const retryAfterSeconds = Math.max(1, Math.ceil(sumMs(this.#waiting) / 1000))
      throw temporarilyUnavailable('too many password hashes wait in this isolate', retryAfterSeconds)
    }
    this.#waiting.clear()
  }

  /** An empty queue accepts any work. */
  #isFull(place: HashWork): boolean {
    const { length, ms } = this.#limits
    const all = [...this.#waiting]
    const suspects = all.filter(({ isSuspect }) => isSuspect)
    const isOver = (waiting: HashWork[], part: number) =>
      waiting.length > 0 &&
      (waiting.length >= length * part || sumMs(waiting) + place.estimatedMs > ms * part)
    return isOver(all, 1) || (place.isSuspect === true && isOver(suspects, SUSPECT_PART))
  }

  async #isMoving(): Promise<boolean> {
    const before = this.#hashesDone
    for (let turns = 0; turns < PATIENCE_TURNS; turns++) {
      await this.#pause(0)
      if (this.#hashesDone !== before) return true
    }
    return false
  }

  async #hashInTurn<T>(place: HashWork, hash: () => T): Promise<T> {
    this.#waiting.add(place)
    let turns = 0
    while (!this.#isRested || !this.#isNext(place)) {
      const before = this.#hashesDone
      await this.#pause(FAR_PAUSE_MS * Math.max(0, this.#countBefore(place) - 1))
      turns = this.#hashesDone === before ? turns + 1 : 0
      if (this.#areEnough(turns)) this.#isRested = true
      // Another request may have dropped this request from the queue.
      this.#waiting.add(place)
      if (turns >= PATIENCE_TURNS) this.#dropBefore(place)
    }
    this.#isRested = false
    this.#hashesDone++
    void this.#rest()
    return hash()
  }

  /**
   * Counts the turns after a hash, so that a request that arrives later does not have to count them. Requests that already wait
   * count the turns themselves.
   */
  async #rest(): Promise<void> {
    const before = this.#hashesDone
    let turns = 0
    while (!this.#areEnough(turns)) {
      await this.#pause(0)
      if (this.#hashesDone !== before) return
      turns++
    }
    this.#isRested = true
  }

  #areEnough(turns: number): boolean {
    const hasOthers = this.#countRequests() > this.#waiting.size
    return turns >= (hasOthers ? TURNS_BETWEEN : 1)
  }

  #isNext(place: HashWork): boolean {
    return this.#countBefore(place) === 0
  }

  #countBefore(place: HashWork): number {
    let count = 0
    for (const other of this.#waiting) {
      if (other === place) break
      count++
    }
    return count
  }

  #dropBefore(place: HashWork): void {
    for (const other of this.#waiting) {
      if (other === place) return
      this.#waiting.delete(other)
    }
  }
}

function sumMs(waiting: Iterable<HashWork>): number {
  return [...waiting].reduce((sum, { estimatedMs }) => sum + estimatedMs, 0)
}
