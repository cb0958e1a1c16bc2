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
    return this.#tokensAt(now) < 1
  }

  /** Takes one token. The bucket never goes below zero. */
  take(now: number): void {
    this.#tokens = Math.max(0, this.#tokensAt(now) - 1)
  }

  /** Takes all of the tokens, or none if the bucket has less. @returns whether it took them */
  takeAll(count: number, now: number): boolean {
    if (this.#tokensAt(now) < count) return false
    this.#tokens -= count
    return true
  }

  /** The whole seconds after which the bucket has `count` tokens, if `count` is at most the capacity. */
  secondsUntil(count: number, now: number): number {
    return Math.ceil((count - this.#tokensAt(now)) / this.#refillPerSecond)
  }

  giveBack(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1)
  }

  /** Adds the refill. @returns the tokens of the bucket */
  #tokensAt(now: number): number {
    // The times of concurrent requests may be out of order.
    const refilledAt = this.#refilledAt ?? now
    const elapsedSeconds = Math.max(0, now - refilledAt)
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsedSeconds * this.#refillPerSecond)
    this.#refilledAt = Math.max(now, refilledAt)
    return this.#tokens
  }
}
