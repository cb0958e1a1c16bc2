import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { HeadedRows } from './headed_rows.ts'
import { readText } from './read_text.ts'

/** The escapes of MySQL and PostgreSQL after a backslash. Any other character stands for itself. */
const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\u001A',
}

/**
 * The rows of a file with backslash escapes: MySQL's `SELECT … INTO OUTFILE`, `mysqldump --tab` and `mysql --batch`,
 * PostgreSQL's `COPY` in text format. `\N` alone is an absent value. With another delimiter than a tab, cells may be in
 * double quotes. The first line names the columns.
 *
 * @throws CliError if the file is malformed
 */
export async function* readEscapedRows(
  file: string,
  { delimiter, plan }: { delimiter: string; plan: ColumnPlan },
): AsyncGenerator<FileRow> {
  const rows = new HeadedRows(file, { plan, delimiter })
  for await (const { line, cells: record } of readRecords(file, delimiter)) {
    const cells = rows.read(line, record)
    if (cells !== null) yield 'problems' in cells ? cells : plan.arrange(line, cells.values)
  }
  rows.requireHead()
}

interface EscapedRecord {
  line: number
  cells: string[]
}

async function* readRecords(file: string, delimiter: string): AsyncGenerator<EscapedRecord> {
  const parser = new EscapedParser(file, delimiter)
  for await (const text of readText(file)) yield* parser.push(text)
  yield* parser.end()
}

/** Splits text into records, a character at a time. */
class EscapedParser {
  readonly #file: string
  readonly #delimiter: string
  readonly #hasQuotes: boolean
  #cells: string[] = []
  #cell = ''
  #isEmpty = true
  /** `open` inside a quoted cell; `closed` after a quote that may end the cell or be doubled. */
  #quote: 'none' | 'open' | 'closed' = 'none'
  #isEscaped = false
  /** A CR outside quotes is text, unless a line feed follows: CRLF ends a line. */
  #hasCarriageReturn = false
  #line = 1
  #start = 1
  #length = 0

  constructor(file: string, delimiter: string) {
    this.#file = file
    this.#delimiter = delimiter
    this.#hasQuotes = delimiter !== '\t'
  }

  *push(text: string): Generator<EscapedRecord> {
    for (const character of text) {
      if (character === '\n') this.#line++
      if (++this.#length > MAX_ROW_CHARACTERS) {
        throw new CliError('failed', `${this.#file}: the row in line ${this.#start} is too long`)
      }
      if (character === '\n' && this.#endsLine()) yield this.#endRecord()
      else this.#take(character)
    }
  }

  #endsLine(): boolean {
    return !this.#isEscaped && this.#quote !== 'open'
  }

  #take(character: string): void {
    if (this.#hasCarriageReturn) this.#add('\r')
    this.#hasCarriageReturn = false
    if (this.#isEscaped) this.#takeEscaped(character)
    else if (character === '\\') this.#isEscaped = true
    else if (character === '"' && this.#takesQuote()) this.#takeQuote()
    else if (this.#quote === 'open') this.#add(character)
    else if (character === '\r') this.#hasCarriageReturn = true
    else if (character === this.#delimiter) this.#endCell()
    else this.#add(character)
  }

  *end(): Generator<EscapedRecord> {
    if (this.#quote === 'open') {
      throw new CliError('failed', `${this.#file}: a quote of the row in line ${this.#start} is never closed`)
    }
    if (this.#length > 0) yield this.#endRecord()
  }

  #takesQuote(): boolean {
    return this.#hasQuotes && (this.#isEmpty || this.#quote !== 'none')
  }

  /** A doubled quote stands for one quote. */
  #takeQuote(): void {
    if (this.#quote === 'closed') this.#add('"')
    this.#quote = this.#quote === 'open' ? 'closed' : 'open'
    this.#isEmpty = false
  }

  /** A cell that is exactly `\N` stays unchanged, because it stands for NULL. */
  #takeEscaped(character: string): void {
    this.#isEscaped = false
    this.#add(character === 'N' ? '\\N' : (ESCAPES[character] ?? character))
  }

  #add(character: string): void {
    this.#cell += character
    this.#isEmpty = false
  }

  #endCell(): void {
    this.#cells.push(this.#cell)
    this.#cell = ''
    this.#isEmpty = true
    this.#quote = 'none'
  }

  #endRecord(): EscapedRecord {
    this.#hasCarriageReturn = false
    this.#endCell()
    const record = { line: this.#start, cells: this.#cells }
    this.#cells = []
    this.#start = this.#line
    this.#length = 0
    return record
  }
}
