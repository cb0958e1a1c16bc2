import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { suggestDelimiter } from './delimiter.ts'
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
  const rows = new HeadedRows(file, { plan, delimiter })
  let nextLine = 1
  try {
    for await (const { record, raw } of readRecords(file, delimiter)) {
      const line = nextLine
      nextLine += raw.match(LINE_END)?.length ?? 0
      const cells = rows.read(line, record)
      if (cells !== null) yield 'problems' in cells ? cells : plan.arrangeCells(line, cells.values)
    }
  } catch (error) {
    throw error instanceof CsvError ? await describe(error, { file, delimiter, plan }) : error
  }
  rows.requireHead()
}

/** The messages of csv-parse contain the text of a cell, which can be a password hash. */
const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'the file ends inside a quoted cell',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote',
  INVALID_OPENING_QUOTE: 'a quote is in a cell without quotes',
  CSV_MAX_RECORD_SIZE: 'the row is too long',
}

async function describe(
  error: CsvError,
  { file, delimiter, plan }: { file: string; delimiter: string; plan: ColumnPlan },
): Promise<CliError> {
  const line = Number(error.lines)
  // csv-parse can fail in a later row before the first line is read as the head.
  const option = suggestDelimiter(await readFirstLine(file), plan, delimiter)
  const advice = option === null ? 'Check the quotes and --delimiter' : `Use ${option}`
  return new CliError('failed', `${file}: line ${line}: ${PROBLEMS[error.code] ?? 'not CSV'}. ${advice}.`)
}

async function readFirstLine(file: string): Promise<string> {
  for await (const text of readText(file)) return text.split(LINE_END)[0] ?? ''
  return ''
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
  for await (const record of parser) yield record as CsvRecord
}
