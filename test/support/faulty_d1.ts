import { aroundD1, isAuditWrite } from './around_d1.ts'

/**
 * How a call to D1 fails: it never got there, it broke while it ran, or it was done and the answer got lost, as when
 * a connection drops after the write.
 */
export const FAULTS = ['before', 'during', 'after'] as const
export type Fault = (typeof FAULTS)[number]

/** The real D1, of which one call fails. */
export class FaultyD1 {
  readonly db = aroundD1((sql, call) => this.#run(sql, call))
  /** The statements of the call that failed; null while none has. */
  failed: string | null = null
  readonly #fault: Fault
  #callsUntilFault: number
  #broken: Promise<unknown> = Promise.resolve()

  /** @param nth Which call fails, counted from 1. */
  constructor(fault: Fault, nth: number) {
    this.#fault = fault
    this.#callsUntilFault = nth
  }

  get failedAuditWrite(): boolean {
    return this.failed !== null && isAuditWrite(this.failed)
  }

  /** Whether a write that nobody was told about may be in the database. */
  get hasLostWrite(): boolean {
    return this.failed !== null && this.#fault !== 'before' && /\b(?:INSERT|UPDATE)\b/.test(this.failed)
  }

  /** Waits until the call that broke has come to its end in the database. */
  async settle(): Promise<void> {
    await this.#broken
  }

  async #run<T>(sql: string, call: () => Promise<T>): Promise<T> {
    if (--this.#callsUntilFault !== 0) return call()
    this.failed = sql
    if (this.#fault === 'during') this.#broken = call()
    if (this.#fault === 'after') await call()
    throw new Error(`the store failed ${this.#fault} the call`)
  }
}
