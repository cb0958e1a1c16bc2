/** A budget that refills with time: `capacity` at once, `refillPerSecond` in the long run. */
export class TokenBucket {
  readonly #capacity: number
  readonly #refillPerSecond: number
  #tokens: number
  #refilledAt: number | null = null

  constructor(capacity: number, refillPerSecond: number) {
    this.#capacity = capacity
    this.#refillPerSecond = refillPerSecond
    this.#tokens = capacity
  }

  isEmpty(now: number): boolean {
    this.#refill(now)
    return this.#tokens < 1
  }

  /** Takes one, down to nothing. */
  take(now: number): void {
    this.#refill(now)
    this.#tokens = Math.max(0, this.#tokens - 1)
  }

  giveBack(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1)
  }

  #refill(now: number): void {
    const elapsedSeconds = Math.max(0, now - (this.#refilledAt ?? now))
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsedSeconds * this.#refillPerSecond)
    this.#refilledAt = now
  }
}
