import { needsHash } from '@sallyport/formats/schemes/conversion/self_describing'
import type { ApiRow } from './import_kind.ts'

/** Those of the admin API, whose body also has the names around the rows. */
const MAX_ROWS = 100
/** The most plain passwords and fast hashes in a batch: the server computes a hash for each. */
const MAX_HASHES = 20
const MAX_CHARACTERS = 120_000

/** A good row of the file. */
export interface NumberedRow {
  /** Its place among all rows of the file, from 0. */
  place: number
  line: number
  name: string
  row: ApiRow
  /** The scheme of the hash (`ReadRow`). */
  password: string | null
}

/** Rows in batches that the server takes, in order. */
export async function* toBatches(rows: AsyncIterable<NumberedRow>): AsyncGenerator<NumberedRow[]> {
  let batch: NumberedRow[] = []
  let [characters, hashes] = [0, 0]
  for await (const numbered of rows) {
    const size = JSON.stringify(numbered.row).length
    const isHashed = needsHash(numbered.row)
    const isFull =
      batch.length === MAX_ROWS || (isHashed && hashes === MAX_HASHES) || characters + size > MAX_CHARACTERS
    if (isFull && batch.length > 0) {
      yield batch
      batch = []
      ;[characters, hashes] = [0, 0]
    }
    batch.push(numbered)
    characters += size
    hashes += isHashed ? 1 : 0
  }
  if (batch.length > 0) yield batch
}

/** Works on a few at once, and hands on what comes of them in their order. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  { atOnce }: { atOnce: number },
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = work(item)
      // Where an earlier one fails, this one is waited for below.
      result.catch(() => {})
      running.push(result)
      while (running.length >= atOnce) yield await (running.shift() as Promise<R>)
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    await Promise.allSettled(running)
  }
}
