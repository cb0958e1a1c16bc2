import { onTestFinished, vi } from 'vitest'
import { timers } from '../../src/lib/timers.ts'

/** The number of turns of the event loop without a call to a store, after which all work waits for time to pass. */
const IDLE_TURNS = 8

interface Timer {
  at: number
  fire: () => void
}

/** The stores that calls go through. */
interface Work {
  /** Whether a call is in progress that will end. */
  areAtWork: boolean
  /** Whether a call is in progress that can also wait for time to pass. */
  mayBeAtWork?: boolean
}

function oneTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

/** The timers of one test. Time passes without a delay, and only when all work waits for a timer. */
export class PassingTime {
  /** The passed time in milliseconds. */
  elapsedMs = 0
  readonly #stores: Work
  readonly #turn: () => Promise<void>
  readonly #timers = new Set<Timer>()

  /** @param turn Lets other work run while no call is in progress */
  constructor(stores: Work, turn = oneTurn) {
    this.#stores = stores
    this.#turn = turn
    const start = vi.spyOn(timers, 'start').mockImplementation((fire, ms) => {
      const timer = { at: this.elapsedMs + ms, fire }
      this.#timers.add(timer)
      return timer
    })
    const stop = vi.spyOn(timers, 'stop').mockImplementation((timer) => {
      this.#timers.delete(timer as Timer)
    })
    onTestFinished(() => {
      start.mockRestore()
      stop.mockRestore()
    })
  }

  /** Waits for work and lets time pass meanwhile. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const end = () => {
      isDone = true
    }
    work.then(end, end)
    let idleTurns = 0
    while (!isDone) {
      const { areAtWork, mayBeAtWork } = this.#stores
      // The last turn is one of the event loop, because only it runs the timers of the runtime.
      await (areAtWork || mayBeAtWork || idleTurns === IDLE_TURNS ? oneTurn() : this.#turn())
      idleTurns = this.#stores.areAtWork ? 0 : idleTurns + 1
      if (idleTurns > IDLE_TURNS && !isDone) {
        this.#passToNext()
        idleTurns = 0
      }
    }
    return work
  }

  /** Lets time pass, in milliseconds. Work in the background continues meanwhile. */
  pass(ms: number): Promise<void> {
    return this.during(new Promise<void>((resolve) => timers.start(resolve, ms)))
  }

  #passToNext(): void {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at)
    if (next === undefined) return
    this.#timers.delete(next)
    this.elapsedMs = next.at
    next.fire()
  }
}
