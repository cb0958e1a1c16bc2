/** A boolean for each row of a file, in the order of the rows, in one byte each. */
export class FlagList {
  #flags = new Uint8Array(1024)
  #count = 0

  get count(): number {
    return this.#count
  }

  add(flag: boolean): void {
    if (this.#count === this.#flags.length) {
      const larger = new Uint8Array(this.#count * 2)
      larger.set(this.#flags)
      this.#flags = larger
    }
    this.#flags[this.#count++] = flag ? 1 : 0
  }

  toArray(): Uint8Array {
    return this.#flags.slice(0, this.#count)
  }
}
