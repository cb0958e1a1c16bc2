import { needsHash } from '@sallyport/formats/schemes/conversion/self_describing'
import type { ApiRow } from './import_kind.ts'

/** The limit of the admin API for the rows of one request. */
const MAX_ROWS = 100
/** The maximum of plain passwords and fast hashes in a batch. The server computes a hash for each. */
const MAX_HASHES = 20
/** Leaves space below the body limit of the admin API for the members around the rows. */
const MAX_CHARACTERS = 120_000

/** A valid row of the file. */
export interface NumberedRow {
  /** The index of the row in the file, from 0. */
  place: number
  line: number
  name: string
  row: ApiRow
  /** The scheme of the hash (`ReadRow`). */
  password: string | null
}

/** Splits rows into batches within the server's limits. The order stays. */
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

/** Runs `work` on up to `atOnce` items in parallel and yields the results in the order of the items. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  { atOnce }: { atOnce: number },
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = work(item)
      // If an earlier item fails, the `finally` block below waits for this one.
      result.catch(() => {})
      running.push(result)
      while (running.length >= atOnce) yield await (running.shift() as Promise<R>)
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    await Promise.allSettled(running)
  }
}
