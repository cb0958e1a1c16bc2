import { ABSENT, type Column } from './table.ts'

/** A spreadsheet runs a cell that begins like this as a formula. */
const FORMULA = /^[=+\-@\t\r]/
/** An id has no operator that a formula could use, except the dash. */
const ID = /^[\w-]+$/

/** Formats rows as CSV (RFC 4180). The first line has the names of the columns. */
export function formatCsv<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = rows.map((row) => columns.map((column) => toCell(column, row)))
  return [columns.map(nameOf), ...cells].map((line) => `${line.map(quote).join(',')}\r`).join('\n')
}

/** The name of a column in `--columns` and in CSV, such as `last-used`. A unit in parentheses is left out. */
export function nameOf({ title }: Pick<Column<never>, 'title'>): string {
  return title
    .replace(/ \(.*\)$/, '')
    .toLowerCase()
    .replaceAll(' ', '-')
}

function toCell<T>({ show, toCell: format }: Column<T>, row: T): string {
  if (format !== undefined) return format(row)
  const text = show(row)
  return text === ABSENT ? '' : text
}

/** An apostrophe before a formula makes it text. */
function quote(text: string): string {
  const safe = FORMULA.test(text) && !ID.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
