/** A table of a Markdown page: the texts of its cells by row heading and column heading. */
export type Table = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The table whose first column has the heading. */
export function parseTable(markdown: string, heading: string): Table {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => cellsOf(line)[0] === heading)
  if (start < 0) throw new Error(`no table begins with ${heading}`)
  const [, ...columns] = cellsOf(lines[start] ?? '')
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  const rows = lines
    .slice(start + 2, end < 0 ? undefined : end)
    .map((line): [string, Map<string, string>] => {
      const [row = '', ...cells] = cellsOf(line)
      return [row, new Map(columns.map((column, i) => [column, cells[i] ?? '']))]
    })
  return new Map(rows)
}

function cellsOf(line: string): string[] {
  return line.startsWith('|')
    ? line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    : []
}
