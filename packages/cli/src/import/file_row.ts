/** A row of a file, with the line that it begins on. A row with problems is refused; its values, if any, give its name. */
export type FileRow =
  | { line: number; values: RowValues }
  | { line: number; problems: readonly string[]; values?: RowValues }

/** Values by column: texts from CSV, any JSON values from JSON. */
export type RowValues = Readonly<Record<string, unknown>>

/** The maximum length of a row. A longer row is an error, probably an unclosed quote. */
export const MAX_ROW_CHARACTERS = 64 * 1024

/** A field that rows may have. In a file without a mapping, the columns have the names of the fields. */
export interface ImportColumn {
  name: string
  summary: string
  /** Whether `,` or `|` separates items in a text. */
  isList?: boolean
}
