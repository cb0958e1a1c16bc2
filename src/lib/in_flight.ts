/** Counts the running calls of an isolate. If the runtime stops a call, the count still includes the call. */
export class InFlight {
  #count = 0

  get count(): number {
    return this.#count
  }

  async during<T>(work: () => T | Promise<T>): Promise<T> {
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
    }
  }
}
