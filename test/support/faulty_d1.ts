import { aroundD1 } from './around_d1.ts'

/** How a call to D1 fails. After it is done the answer alone is lost, as when a connection drops after the write. */
export const FAULTS = ['before it is made', 'while it runs', 'after it is done'] as const
export type Fault = (typeof FAULTS)[number]

interface FaultOptions {
  fault: Fault
  /** Which of the calls that match fails, counted from 1. */
  nth: number
  /** Whether a call of these statements counts. */
  matches(sql: string): boolean
}

/** The real D1, of which one call fails. */
export class FaultyD1 {
  readonly db = aroundD1((sql, call) => this.#run(sql, call))
  /** The statements of the call that failed; null while none has. */
  failed: string | null = null
  readonly #options: FaultOptions
  #matching = 0
  #broken: Promise<unknown> = Promise.resolve()

  constructor(options: FaultOptions) {
    this.#options = options
  }

  /** Whether the call that failed changed a session all the same. */
  get hasChangedSession(): boolean {
    return (
      this.#options.fault !== 'before it is made' && /\b(?:INTO|UPDATE) sessions\b/.test(this.failed ?? '')
    )
  }

  /** Waits until the call that broke while it ran has come to its end. */
  async settle(): Promise<void> {
    await this.#broken
  }

  async #run<T>(sql: string, call: () => Promise<T>): Promise<T> {
    const { fault, nth, matches } = this.#options
    if (!matches(sql) || ++this.#matching !== nth) return call()
    this.failed = sql
    if (fault === 'while it runs') this.#broken = call()
    if (fault === 'after it is done') await call()
    throw new Error(`the call fails ${fault}`)
  }
}
