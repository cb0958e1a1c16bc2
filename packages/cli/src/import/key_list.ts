import { createHash } from 'node:crypto'
import type { RowKey } from './import_kind.ts'

/** The digests of the keys of all rows, in order, in eight bytes each. */
export class KeyList {
  #digests = new Float64Array(1024)
  #count = 0

  add({ what, value }: RowKey): void {
    if (this.#count === this.#digests.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#digests)
      this.#digests = larger
    }
    this.#digests[this.#count++] = digestOf({ what, value })
  }

  /** The digests of keys that more than one row has. */
  findRepeated(): ReadonlySet<number> {
    const sorted = this.#digests.slice(0, this.#count).sort()
    return new Set(sorted.filter((digest, i) => digest === sorted[i - 1]))
  }
}

/** The first 53 bits of a hash. With 100,000 keys, a file has a collision with a probability of about 1 in 2 million. */
export function digestOf({ what, value }: RowKey): number {
  return Number(createHash('sha256').update(`${what}\n${value}`).digest().readBigUInt64BE() >> 11n)
}
