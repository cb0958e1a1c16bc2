import { UsageError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { readCsvRows } from './csv_rows.ts'
import { readEscapedRows } from './escaped_rows.ts'
import type { FileRow } from './file_row.ts'
import { readJsonLines } from './json_lines.ts'
import { readJsonList } from './json_list.ts'

export const FORMATS = ['csv', 'mysql', 'jsonl', 'json'] as const
export type Format = (typeof FORMATS)[number]

/** A file of rows. The import reads it several times. */
export interface ImportFile {
  path: string
  format: Format
  /** The delimiter of `csv` and `mysql`; null for the default of the format. */
  delimiter: string | null
  plan: ColumnPlan
}

const ENDINGS: Readonly<Record<string, Format>> = {
  csv: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
}

/** @throws UsageError if neither `given` nor the file extension names a format */
export function formatOf(path: string, given: string | undefined): Format {
  const ending = ENDINGS[path.slice(path.lastIndexOf('.') + 1).toLowerCase()]
  const format = given === undefined ? ending : FORMATS.find((name) => name === given)
  if (format !== undefined) return format
  throw new UsageError(
    `--format must be one of ${FORMATS.join(', ')}, because the file extension names no format`,
  )
}

/**
 * Yields the rows of a file with their values by field.
 *
 * @throws CliError if the file is malformed or has an unknown column
 */
export function readRows({ path, format, delimiter, plan }: ImportFile): AsyncGenerator<FileRow> {
  switch (format) {
    case 'csv':
      return readCsvRows(path, { delimiter: delimiter ?? ',', plan })
    case 'mysql':
      return readEscapedRows(path, { delimiter: delimiter ?? '\t', plan })
    case 'jsonl':
      return readJsonLines(path, plan)
    case 'json':
      return readJsonList(path, plan)
  }
}
