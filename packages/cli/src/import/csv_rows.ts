import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { HeadedRows } from './headed_rows.ts'
import { readText } from './read_text.ts'

/** A record as csv-parse gives it with `raw`. */
interface CsvRecord {
  record: string[]
  /** The text of the record in the file. Lines are counted here, because csv-parse counts a quoted CRLF twice. */
  raw: string
}

const LINE_END = /\r\n|\r|\n/g

/**
 * The rows of a CSV file (RFC 4180). Its first line names the columns, unless the preset of the plan does.
 *
 * @throws CliError if the file is malformed
 */
export async function* readCsvRows(
  file: string,
  { delimiter, plan }: { delimiter: string; plan: ColumnPlan },
): AsyncGenerator<FileRow> {
  const rows = new HeadedRows(file, plan)
  let nextLine = 1
  for await (const { record, raw } of readRecords(file, delimiter)) {
    const line = nextLine
    nextLine += raw.match(LINE_END)?.length ?? 0
    const cells = rows.read(line, record)
    if (cells !== null) yield 'problem' in cells ? cells : plan.arrangeCells(line, cells.values)
  }
  rows.requireHead()
}

async function* readRecords(file: string, delimiter: string): AsyncGenerator<CsvRecord> {
  const parser = parse({
    delimiter,
    raw: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
  })
  // Its errors come out of the loop below.
  pipeline(Readable.from(readText(file)), parser, () => {})
  try {
    for await (const record of parser) yield record as CsvRecord
  } catch (error) {
    if (error instanceof CsvError) throw new CliError('failed', `${file}: ${error.message}`)
    throw error
  }
}
