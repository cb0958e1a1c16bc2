import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { CliError } from '../core/exit_code.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { readText } from './read_text.ts'

/** A record as csv-parse gives it with `raw`. */
interface CsvRecord {
  record: string[]
  /** As it is in the file, with the end of its last line. Its own count of lines takes CRLF in quotes for two. */
  raw: string
}

const LINE_END = /\r\n|\r|\n/g

/**
 * The rows of a CSV file (RFC 4180) whose first line names the columns. An empty cell is an absent one.
 *
 * @param checkColumns Throws where it does not know one.
 * @throws CliError where the file is broken
 */
export async function* readCsvRows(
  file: string,
  { delimiter, checkColumns }: { delimiter: string; checkColumns: (names: readonly string[]) => void },
): AsyncGenerator<FileRow> {
  let columns: string[] | null = null
  let nextLine = 1
  for await (const { record, raw } of readRecords(file, delimiter)) {
    const line = nextLine
    nextLine += raw.match(LINE_END)?.length ?? 0
    if (columns === null) {
      columns = record.map((name) => name.trim().toLowerCase())
      checkColumns(columns)
    } else if (record.length > 1 || record[0] !== '') yield toRow(line, record, columns)
  }
  if (columns === null) throw new CliError('failed', `${file} is empty: its first line must name the columns`)
}

function toRow(line: number, record: readonly string[], columns: readonly string[]): FileRow {
  if (record.length !== columns.length) {
    return { line, problem: `has ${record.length} cells, and the first line has ${columns.length}` }
  }
  const cells = columns.map((name, i) => [name, record[i] ?? ''] as const).filter(([, text]) => text !== '')
  return { line, values: Object.fromEntries(cells) }
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
