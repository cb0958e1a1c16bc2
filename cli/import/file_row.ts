/** A row of a file, by the line that it begins on: its values by their columns, or why it cannot be read. */
export type FileRow = { line: number; values: RowValues } | { line: number; problem: string }

/** Text from CSV; from JSON whatever it has. */
export type RowValues = Readonly<Record<string, unknown>>

/** Longer ones are no rows: a quote that is never closed, most likely. */
export const MAX_ROW_CHARACTERS = 64 * 1024

/** A column that rows may have. */
export interface ImportColumn {
  name: string
  summary: string
}
