/** A row of a file, with the line that it begins on. A row with a problem is refused; its values, if any, give its name. */
export type FileRow =
  | { line: number; values: RowValues }
  | { line: number; problem: string; values?: RowValues }

/** Text from CSV; any JSON value from JSON. */
export type RowValues = Readonly<Record<string, unknown>>

/** A longer row is an error of the file, probably a quote that is never closed. */
export const MAX_ROW_CHARACTERS = 64 * 1024

/** A field that rows may have. In a file without a mapping, the columns have the names of the fields. */
export interface ImportColumn {
  name: string
  summary: string
  /** Whether text has items with `,` or `|` between them. */
  isList?: boolean
}
