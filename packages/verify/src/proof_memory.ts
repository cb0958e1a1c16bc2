/** Remembers the DPoP proofs that were accepted, so that each is accepted once (RFC 9449 §11.1). */
export interface ReplayStore {
  /**
   * Stores an id, in one atomic step.
   *
   * @param id At most 300 characters; a shared store gets 43 characters of base64url.
   * @param expiresAt Unix seconds. The store can drop the id then.
   * @param now Unix seconds.
   * @returns False if the store has the id already.
   */
  remember(id: string, expiresAt: number, now: number): boolean | Promise<boolean>
}

/** A replay store in the memory of an isolate. A further id above the maximum replaces the oldest one. */
export class ProofMemory implements ReplayStore {
  readonly #expiries = new Map<string, number>()
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  remember(id: string, expiresAt: number, now: number): boolean {
    if ((this.#expiries.get(id) ?? 0) > now) return false
    this.#expiries.delete(id)
    if (this.#expiries.size >= this.#maxEntries) this.#dropOldest()
    this.#expiries.set(id, expiresAt)
    return true
  }

  #dropOldest(): void {
    const [oldest] = this.#expiries.keys()
    if (oldest !== undefined) this.#expiries.delete(oldest)
  }
}
