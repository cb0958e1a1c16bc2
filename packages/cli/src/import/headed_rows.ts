import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { suggestDelimiter } from './delimiter.ts'

/** The cells of a record by column, or the reasons why they cannot be assigned. */
export type Cells = { values: Record<string, string> } | { line: number; problems: readonly string[] }

/** Assigns the cells of records to columns. The first record names the columns, or the preset if the file has no such line. */
export class HeadedRows {
  readonly #file: string
  readonly #plan: ColumnPlan
  readonly #delimiter: string
  readonly #given: readonly string[] | null
  #columns: readonly string[] | null

  constructor(file: string, { plan, delimiter }: { plan: ColumnPlan; delimiter: string }) {
    this.#file = file
    this.#plan = plan
    this.#delimiter = delimiter
    this.#given = plan.preset?.header ?? null
    this.#columns = this.#given
  }

  /** Returns null for the header line and for an empty line. @throws CliError if the columns are wrong */
  read(line: number, record: readonly string[]): Cells | null {
    if (this.#columns === null) {
      this.#requireNames(record)
      this.#plan.check(record, { where: 'the first line', isWhole: true })
      this.#columns = record
      return null
    }
    if (record.length === 1 && record[0] === '') return null
    const columns = this.#columns
    const hasFitting =
      this.#given === null ? record.length === columns.length : record.length > this.#lastUsed()
    if (!hasFitting) return { line, problems: [`has ${record.length} cells, and needs ${columns.length}`] }
    return { values: Object.fromEntries(columns.map((name, i) => [name, record[i] ?? ''])) }
  }

  /** @throws CliError if the file has no line */
  requireHead(): void {
    if (this.#columns !== null) return
    throw new CliError('failed', `${this.#file} is empty: its first line must name the columns`)
  }

  /** The error contains no cell: a file without column names may begin with a password hash. @throws CliError */
  #requireNames(record: readonly string[]): void {
    const option = suggestDelimiter(record.join(this.#delimiter), this.#plan, this.#delimiter)
    if (option !== null) {
      throw new CliError(
        'usage',
        `The first line has more known columns with another delimiter: use ${option}.`,
      )
    }
    this.#plan.requireNames(record)
  }

  /** Drops the cells after the known columns, because they differ between versions of an export. */
  #lastUsed(): number {
    const { preset } = this.#plan
    return (this.#columns ?? []).findLastIndex((name) => preset?.columns[name]?.includes('password_hash'))
  }
}
