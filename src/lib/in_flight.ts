/** Counts the running calls of an isolate. A call that the runtime stops stays in the count. */
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
