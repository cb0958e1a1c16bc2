import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'

/** The cells of a record by column, or the reason why they cannot be assigned. */
export type Cells = { values: Record<string, string> } | { line: number; problem: string }

/** Assigns the cells of records to columns. The first record names the columns, or the preset if the file has no such line. */
export class HeadedRows {
  readonly #file: string
  readonly #plan: ColumnPlan
  readonly #given: readonly string[] | null
  #columns: readonly string[] | null

  constructor(file: string, plan: ColumnPlan) {
    this.#file = file
    this.#plan = plan
    this.#given = plan.preset?.header ?? null
    this.#columns = this.#given
  }

  /** Returns null for the header line and for an empty line. @throws CliError if the columns are wrong */
  read(line: number, record: readonly string[]): Cells | null {
    if (this.#columns === null) {
      requireDelimiter(record)
      this.#plan.check(record, { where: 'the first line', isWhole: true })
      this.#columns = record
      return null
    }
    if (record.length === 1 && record[0] === '') return null
    const columns = this.#columns
    const hasFitting =
      this.#given === null ? record.length === columns.length : record.length > this.#lastUsed()
    if (!hasFitting) return { line, problem: `has ${record.length} cells, and needs ${columns.length}` }
    return { values: Object.fromEntries(columns.map((name, i) => [name, record[i] ?? ''])) }
  }

  /** @throws CliError if the file has no line */
  requireHead(): void {
    if (this.#columns !== null) return
    throw new CliError('failed', `${this.#file} is empty: its first line must name the columns`)
  }

  /** Drops the cells after the known columns, because they differ between versions of an export. */
  #lastUsed(): number {
    const { preset } = this.#plan
    return (this.#columns ?? []).findLastIndex((name) => preset?.columns[name]?.includes('password_hash'))
  }
}

/** Spreadsheets write semicolons in many locales. @throws CliError */
function requireDelimiter(names: readonly string[]): void {
  const [only = ''] = names
  const other = [';', '\t'].find((delimiter) => only.includes(delimiter))
  if (names.length > 1 || other === undefined) return
  const option = other === '\t' ? "$'\\t'" : `'${other}'`
  throw new CliError(
    'usage',
    `Columns of the first line: "${only}" is one column. Is it --delimiter ${option}?`,
  )
}
