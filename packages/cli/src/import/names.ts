import type { RowValues } from './file_row.ts'

/** Tabs and line breaks, with the spaces around them. */
const BREAKS = /\s*[\t\r\n]\s*/g

/** Replaces tabs and line breaks in names by spaces. @returns the values, and a warning for each changed name */
export function cleanNames(
  values: RowValues,
  columns: readonly string[],
): { values: RowValues; warnings: readonly string[] } {
  const cleaned = columns.flatMap((column) => {
    const text = values[column]
    if (typeof text !== 'string') return []
    const clean = text.replace(BREAKS, ' ').trim()
    return text.search(BREAKS) === -1 ? [] : [[column, clean] as const]
  })
  return {
    values: { ...values, ...Object.fromEntries(cleaned) },
    warnings: cleaned.map(([column]) => `${column}: a tab or line break was replaced by a space`),
  }
}
