/** How many pieces of work an isolate has begun and not ended. One that the runtime ended is counted for good. */
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
