import type { NumberedRow } from './batches.ts'
import type { FileRow } from './file_row.ts'
import { FlagList } from './flag_list.ts'
import { type ImportFile, readRows } from './import_file.ts'
import type { ImportKind } from './import_kind.ts'
import { digestOf, KeyList } from './key_list.ts'
import { RowRefused } from './row_values.ts'

export type Refuse = (line: number, name: string, reason: string) => void

/** The result of reading a whole file, without a request to the server. */
export interface Scan {
  count: number
  /** The fate (`FATE`) of each row, by its index. */
  fates: Uint8Array
}

/** The action of the import for a row. Before the dry run, each valid row has `create`. */
export const FATE = { none: 0, create: 1, update: 2 } as const

export function countFates({ fates }: Scan, fate: number): number {
  return fates.reduce((sum, value) => sum + (value === fate ? 1 : 0), 0)
}

/**
 * Reads the whole file and checks the columns, the values and that keys are unique. It sends no request.
 *
 * @throws CliError if the file is malformed or has an unknown column
 */
export async function scan(file: ImportFile, kind: ImportKind, refuse: Refuse): Promise<Scan> {
  const keys = new KeyList()
  const flags = new FlagList()
  for await (const row of readRows(file)) {
    const read = readRow(row, kind, refuse)
    flags.add(read !== null)
    if (read !== null) for (const key of kind.keysOf(read.row)) keys.add(key)
  }
  const found = { count: flags.count, fates: flags.toArray() }
  const repeated = keys.findRepeated()
  if (repeated.size > 0) await refuseRepeated(file, kind, { found, repeated, refuse })
  return found
}

/** Refuses each row that has the key of an earlier row. */
async function refuseRepeated(
  file: ImportFile,
  kind: ImportKind,
  { found, repeated, refuse }: { found: Scan; repeated: ReadonlySet<number>; refuse: Refuse },
): Promise<void> {
  const lines = new Map<number, number>()
  for await (const { place, line, name, row } of readGoodRows(file, kind, found)) {
    const keys = kind.keysOf(row).map((key) => ({ ...key, digest: digestOf(key) }))
    const shared = keys.find(({ digest }) => lines.has(digest))
    if (shared !== undefined) {
      refuse(line, name, `${shared.what}: line ${lines.get(shared.digest)} has the same`)
      found.fates[place] = FATE.none
    } else for (const { digest } of keys) if (repeated.has(digest)) lines.set(digest, line)
  }
}

/** Yields the valid rows of the file. */
export async function* readGoodRows(
  file: ImportFile,
  kind: ImportKind,
  { fates }: Scan,
): AsyncGenerator<NumberedRow> {
  let place = 0
  for await (const row of readRows(file)) {
    const read = fates[place] !== FATE.none ? readRow(row, kind, () => {}) : null
    if (read !== null) yield { place, ...read }
    place++
  }
}

function readRow(row: FileRow, kind: ImportKind, refuse: Refuse): Omit<NumberedRow, 'place'> | null {
  const { line } = row
  if ('problem' in row) {
    refuse(line, row.values === undefined ? '–' : kind.nameOf(row.values), row.problem)
    return null
  }
  const name = kind.nameOf(row.values)
  try {
    return { line, name, ...kind.toRow(row.values) }
  } catch (error) {
    if (!(error instanceof RowRefused)) throw error
    refuse(line, name, error.message)
    return null
  }
}
