/** A column of a table: its title, and what it shows of a row. */
export interface Column<T> {
  title: string
  show(row: T): string
}

const GAP = '  '
/** A column is not cut below this, however narrow the terminal is: lines are longer instead. */
const NARROWEST = 8
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

/**
 * Rows below each other in aligned columns, cut so that a line fits. The first column and times stay whole.
 *
 * @param columns How many characters fit; Infinity where nothing is cut.
 */
export function formatTable<T>(rows: readonly T[], shown: readonly Column<T>[], columns: number): string {
  const cells = [
    shown.map(({ title }) => title),
    ...rows.map((row) => shown.map(({ show }) => clean(show(row)))),
  ]
  const sizes = shown.map((_, i) => ({
    width: Math.max(...cells.map((line) => lengthOf(line[i] ?? ''))),
    isWhole: i === 0 || cells.some((line) => TIME.test(line[i] ?? '')),
  }))
  const widths = shrink(sizes, columns)
  return cells
    .map((line) =>
      line
        .map((cell, i) => pad(cell, widths[i] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n')
}

/** Names and values of one thing, below each other. */
export function formatFields(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `${name.padEnd(width)}${GAP}${clean(value)}`.trimEnd()).join('\n')
}

/** Lines of whole words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The widest columns that may be cut give way, until all of them fit. */
function shrink(sizes: readonly { width: number; isWhole: boolean }[], columns: number): number[] {
  const fitted = sizes.map(({ width }) => width)
  const total = () => fitted.reduce((sum, width) => sum + width, 0) + GAP.length * (fitted.length - 1)
  while (total() > columns) {
    const cuttable = fitted.map((width, i) => (sizes[i]?.isWhole ? 0 : width))
    const widest = Math.max(...cuttable)
    if (widest <= NARROWEST) break
    fitted[cuttable.indexOf(widest)] = widest - 1
  }
  return fitted
}

function pad(text: string, width: number): string {
  const characters = [...text]
  const cut = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text
  return cut + ' '.repeat(Math.max(0, width - lengthOf(cut)))
}

function lengthOf(text: string): number {
  return [...text].length
}

/** What comes from others must not move the cursor or colour the terminal. */
export function clean(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '�')
}
