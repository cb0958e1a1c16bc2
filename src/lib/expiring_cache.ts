interface Entry<V> {
  value: V
  expiresAt: number
}

/** A bounded map in the isolate's memory whose entries expire. Times are Unix seconds. */
export class ExpiringCache<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** The value; null if the cache has no entry or the entry has expired. */
  get(key: string, now: number): V | null {
    const entry = this.#entries.get(key)
    return entry && entry.expiresAt > now ? entry.value : null
  }

  /** The value, even if it has expired; null if the cache has no entry. */
  last(key: string): V | null {
    return this.#entries.get(key)?.value ?? null
  }

  set(key: string, value: V, expiresAt: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#maxEntries) this.#dropOldest()
    this.#entries.set(key, { value, expiresAt })
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}
