import { createHash } from 'node:crypto'

/** The names of a file's rows in its order, in eight bytes each. */
export class NameList {
  #digests = new Float64Array(1024)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @param name Null for a row that is not good. */
  add(name: string | null): void {
    if (this.#count === this.#digests.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#digests)
      this.#digests = larger
    }
    this.#digests[this.#count++] = name === null ? Number.NaN : digestOf(name)
  }

  /** By the place of a row: 1 where it has a name. */
  flags(): Uint8Array {
    return Uint8Array.from(this.#taken(), (digest) => (Number.isNaN(digest) ? 0 : 1))
  }

  /** The digests of names that are there more than once. */
  findRepeated(): ReadonlySet<number> {
    const sorted = this.#taken().sort()
    return new Set(sorted.filter((digest, i) => digest === sorted[i - 1]))
  }

  #taken(): Float64Array {
    return this.#digests.slice(0, this.#count)
  }
}

/** 53 bits of a hash. Of a hundred thousand names two meet once in two million files. */
export function digestOf(name: string): number {
  return Number(createHash('sha256').update(name).digest().readBigUInt64BE() >> 11n)
}
