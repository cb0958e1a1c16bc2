import { onTestFinished, vi } from 'vitest'
import { timers } from '../../src/lib/timers.ts'

/** So many turns of the event loop in which no store is at work: whatever goes on waits for time to pass. */
const IDLE_TURNS = 8

interface Timer {
  at: number
  fire: () => void
}

/** What calls go through. */
interface Work {
  /** Whether a call is being made that will be answered. */
  areAtWork: boolean
}

/** The time that deadlines go by, for one test: it passes at once, and only where everything waits for it. */
export class PassingTime {
  /** How long it would have taken. */
  elapsedMs = 0
  readonly #stores: Work
  readonly #timers = new Set<Timer>()

  constructor(stores: Work) {
    this.#stores = stores
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

  /** Waits for work, and lets time pass for it. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const end = () => {
      isDone = true
    }
    work.then(end, end)
    let idleTurns = 0
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 0))
      idleTurns = this.#stores.areAtWork ? 0 : idleTurns + 1
      if (idleTurns > IDLE_TURNS && !isDone) {
        this.#passToNext()
        idleTurns = 0
      }
    }
    return work
  }

  #passToNext(): void {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at)
    if (next === undefined) return
    this.#timers.delete(next)
    this.elapsedMs = next.at
    next.fire()
  }
}
