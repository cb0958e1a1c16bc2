import type { PasswordQueueLimits } from '../config/password_schema.ts'
import { pause as waitFor } from '../lib/pause.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'

/**
 * Turns of the event loop between two hashes, while other requests are under way. Each takes some of them, to begin, to
 * read its body, to answer; with fewer it would meet a hash at each of its steps (docs/decisions/0016). Where one turn has
 * shown that there are none, the next hash need not wait.
 */
const TURNS_BETWEEN = 4

/** Where nobody hashed for so many turns, whoever stands in front hung up: the runtime ended their timers. */
const PATIENCE_TURNS = 8

/** Waits for its turn, then computes one hash, which holds the isolate's thread until it is done. */
export type TakeTurn = <T>(hash: () => T) => Promise<T>

/** Waits so many milliseconds: 0 is a turn of the loop, in which requests and answers of stores get their step. */
export type Pause = (ms: number) => Promise<void>

/** How long whoever has others before them waits for each of these, but the next one: a part of what a hash takes. */
const FAR_PAUSE_MS = 8

/** A group of hashes that takes one place in the queue. */
export interface HashWork {
  /** About how long the hashes take together (docs/password-hashes.md). */
  estimatedMs: number
  /** Whether the account or the caller failed recently. */
  isSuspect?: boolean
}

/** The part of the queue for suspect work, so that a flood of guesses leaves the rest for others. */
const SUSPECT_PART = 0.5

/** What a queue knows of the isolate that it is in. */
interface Surroundings {
  pause?: Pause
  /** How many requests are under way, those that wait here among them. */
  countRequests?: () => number
}

/**
 * The password hashes of one isolate, one at a time, with room between two for all other requests. Each request waits
 * by timers of its own and computes its own hash, so one that the runtime ended holds up nobody.
 */
export class HashQueue {
  readonly #limits: PasswordQueueLimits
  readonly #pause: Pause
  readonly #countRequests: () => number
  /** In the order in which they came. */
  readonly #waiting = new Set<HashWork>()
  #hashesDone = 0
  /** Whether the others have had their turns since the last hash. */
  #isRested = true

  constructor(limits: PasswordQueueLimits, { pause = waitFor, countRequests = () => 0 }: Surroundings = {}) {
    this.#limits = limits
    this.#pause = pause
    this.#countRequests = countRequests
  }

  /**
   * Does work that hashes, with one place in the queue for all of it.
   *
   * @throws OAuthError temporarily_unavailable where too many wait
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

  /** For a full queue: refuses, unless all who are in it are gone. */
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
      // Again, where somebody took this one for given up.
      this.#waiting.add(place)
      if (turns >= PATIENCE_TURNS) this.#dropBefore(place)
    }
    this.#isRested = false
    this.#hashesDone++
    void this.#rest()
    return hash()
  }

  /** So that a hash that comes later need not wait. Those that wait already count for themselves. */
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
