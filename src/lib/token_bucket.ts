/** A token bucket. It allows `capacity` events at once, and then `refillPerSecond` events per second. */
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

  /** Takes one token. The bucket never goes below zero. */
  take(now: number): void {
    this.#refill(now)
    this.#tokens = Math.max(0, this.#tokens - 1)
  }

  giveBack(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1)
  }

  #refill(now: number): void {
    // The times of concurrent requests may be out of order.
    const refilledAt = this.#refilledAt ?? now
    const elapsedSeconds = Math.max(0, now - refilledAt)
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsedSeconds * this.#refillPerSecond)
    this.#refilledAt = Math.max(now, refilledAt)
  }
}
