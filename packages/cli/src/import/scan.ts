import type { NumberedRow } from './batches.ts'
import type { FileRow, RowValues } from './file_row.ts'
import { FlagList } from './flag_list.ts'
import { type ImportFile, readRows } from './import_file.ts'
import type { ImportKind } from './import_kind.ts'
import { digestOf, KeyList } from './key_list.ts'
import { cleanNames } from './names.ts'
import type { Report } from './report.ts'
import { RowRefused } from './row_values.ts'

export type RowReports = Pick<Report, 'refuse' | 'warn'>
const SILENT: RowReports = { refuse: () => {}, warn: () => {} }

/** The result of reading a whole file, without a request to the server. */
export interface Scan {
  count: number
  /** The planned action (`ROW_ACTION`) of each row, by its index. */
  plan: Uint8Array
}

/** The action of the import for a row. Before the dry run, each valid row has `create`. */
export const ROW_ACTION = { none: 0, create: 1, update: 2 } as const

export function countPlanned({ plan }: Scan, action: number): number {
  return plan.reduce((sum, value) => sum + (value === action ? 1 : 0), 0)
}

/**
 * Reads the whole file and checks the columns, the values and that keys are unique. It sends no request.
 *
 * @throws CliError if the file is malformed or has an unknown column
 */
export async function scan(file: ImportFile, kind: ImportKind, report: RowReports): Promise<Scan> {
  const keys = new KeyList()
  const flags = new FlagList()
  for await (const row of readRows(file)) {
    const read = readRow(row, kind, report)
    flags.add(read !== null)
    if (read !== null) for (const key of kind.keysOf(read.row)) keys.add(key)
  }
  const found = { count: flags.count, plan: flags.toArray() }
  const repeated = keys.findRepeated()
  if (repeated.size > 0) await refuseRepeated(file, kind, { found, repeated, report })
  return found
}

/** Refuses each row that has the key of an earlier row. */
async function refuseRepeated(
  file: ImportFile,
  kind: ImportKind,
  { found, repeated, report }: { found: Scan; repeated: ReadonlySet<number>; report: RowReports },
): Promise<void> {
  const lines = new Map<number, number>()
  for await (const { place, line, name, row } of readGoodRows(file, kind, found)) {
    const keys = kind.keysOf(row).map((key) => ({ ...key, digest: digestOf(key) }))
    const shared = keys.find(({ digest }) => lines.has(digest))
    if (shared !== undefined) {
      report.refuse({
        line,
        name,
        problems: [`${shared.what}: line ${lines.get(shared.digest)} has the same`],
      })
      found.plan[place] = ROW_ACTION.none
    } else for (const { digest } of keys) if (repeated.has(digest)) lines.set(digest, line)
  }
}

/** Yields the valid rows of the file. */
export async function* readGoodRows(
  file: ImportFile,
  kind: ImportKind,
  { plan }: Scan,
): AsyncGenerator<NumberedRow> {
  let place = 0
  for await (const row of readRows(file)) {
    const read = plan[place] !== ROW_ACTION.none ? readRow(row, kind, SILENT) : null
    if (read !== null) yield { place, ...read }
    place++
  }
}

function readRow(row: FileRow, kind: ImportKind, report: RowReports): Omit<NumberedRow, 'place'> | null {
  const { line } = row
  const found = 'problems' in row ? row.problems : []
  if (row.values === undefined) {
    report.refuse({ line, name: '–', problems: found })
    return null
  }
  const { values, warnings } = cleanNames(row.values, kind.names)
  const name = kind.nameOf(values)
  const read = tryRow(kind, values)
  const problems = [...found, ...(read instanceof RowRefused ? withoutColumns(read.problems, found) : [])]
  if (problems.length > 0 || read instanceof RowRefused) {
    report.refuse({ line, name, problems })
    return null
  }
  if (warnings.length > 0) report.warn({ line, name, problems: warnings })
  return { line, name, ...read }
}

function tryRow(kind: ImportKind, values: RowValues) {
  try {
    return kind.toRow(values)
  } catch (error) {
    if (error instanceof RowRefused) return error
    throw error
  }
}

/** Drops the consequences of a problem: one problem for each column is enough. */
function withoutColumns(problems: readonly string[], found: readonly string[]): string[] {
  const columns = found.map(columnOf)
  return problems.filter((problem) => !columns.includes(columnOf(problem)))
}

function columnOf(problem: string): string {
  return problem.split(':')[0] ?? ''
}
