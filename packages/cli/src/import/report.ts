import { writeFile } from 'node:fs/promises'
import { formatCount } from '../core/count.ts'
import { CliError } from '../core/exit_code.ts'
import { clean } from '../core/table.ts'

/** The problems of a row, or its warnings. */
export interface RowReport {
  line: number
  name: string
  problems: readonly string[]
}

/** The maximum of ranges of lines in a message. */
const MAX_RANGES = 5

/** Collects the refused rows and the warnings of an import, and shows them in the order of the lines. */
export class Report {
  readonly #say: (text: string) => void
  readonly #path: string | null
  readonly #refused: RowReport[] = []
  readonly #warned: RowReport[] = []
  #shown = { refused: 0, warned: 0 }

  private constructor(say: (text: string) => void, path: string | null) {
    this.#say = say
    this.#path = path
  }

  /** @param path The file for the refused rows; undefined for `say`. @throws CliError if the file cannot be written */
  static async open(path: string | undefined, say: (text: string) => void): Promise<Report> {
    const report = new Report(say, path ?? null)
    await report.#write()
    return report
  }

  get refused(): readonly RowReport[] {
    return inOrder(this.#refused)
  }

  get warnings(): readonly RowReport[] {
    return inOrder(this.#warned)
  }

  refuse(row: RowReport): void {
    this.#refused.push(row)
  }

  warn(row: RowReport): void {
    this.#warned.push(row)
  }

  /** Shows the rows since the last call. Rows with the same problem share a line. The file has a line for each row. */
  async show(): Promise<void> {
    const warned = this.#warned.slice(this.#shown.warned)
    for (const text of formatGroups(warned)) this.#say(`Warning: ${text}`)
    const refused = this.#refused.slice(this.#shown.refused)
    this.#shown = { refused: this.#refused.length, warned: this.#warned.length }
    if (this.#path !== null) await this.#write()
    else for (const text of formatGroups(refused)) this.#say(text)
  }

  /** @throws CliError */
  async #write(): Promise<void> {
    if (this.#path === null) return
    const lines = this.refused.map((row) => `${formatRow(row, row.problems.join('; '))}\n`)
    await writeFile(this.#path, lines.join(''), { mode: 0o600 }).catch((error: Error) => {
      throw new CliError('failed', `${this.#path}: ${error.message}`)
    })
  }
}

function inOrder(rows: readonly RowReport[]): RowReport[] {
  return [...rows].sort((a, b) => a.line - b.line)
}

function formatRow({ line, name }: RowReport, problem: string): string {
  return clean(`line ${line}: ${name}: ${problem}`)
}

function formatGroups(rows: readonly RowReport[]): string[] {
  const groups = new Map<string, RowReport[]>()
  for (const row of inOrder(rows)) {
    for (const problem of row.problems) {
      const group = groups.get(problem)
      if (group === undefined) groups.set(problem, [row])
      else group.push(row)
    }
  }
  return [...groups].map(([problem, group]) => {
    const [only, ...others] = group
    if (only !== undefined && others.length === 0) return formatRow(only, problem)
    return clean(`${problem}: ${formatCount(group.length)} rows (lines ${formatLines(group)})`)
  })
}

/** Formats line numbers in ascending order, such as `2-31, 40`. */
function formatLines(rows: readonly RowReport[]): string {
  const ranges: [first: number, last: number][] = []
  for (const { line } of rows) {
    const range = ranges.at(-1)
    if (range !== undefined && line <= range[1] + 1) range[1] = line
    else ranges.push([line, line])
  }
  const texts = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`))
  return texts.length > MAX_RANGES
    ? `${texts.slice(0, MAX_RANGES).join(', ')}, …; --report lists each row`
    : texts.join(', ')
}
