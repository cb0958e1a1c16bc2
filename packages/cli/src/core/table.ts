import stringWidth from 'string-width'

/** A column of a list: its title, and the text that it shows for a row. */
export interface Column<T> {
  title: string
  show(row: T): string
  /** The text in CSV, if it differs from the text in a table. */
  toCell?(row: T): string
}

/** The text of an absent value in a table. */
export const ABSENT = '–'

const GAP = '  '
/** The least width of a column. In a narrower terminal the lines become longer than the terminal. */
const MIN_WIDTH = 8
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

const graphemes = new Intl.Segmenter()

/**
 * Formats rows as a table with aligned columns. Cells are cut until a line fits. Times are never cut.
 *
 * @param columns The width of the terminal in cells; Infinity for no limit.
 */
export function formatTable<T>(rows: readonly T[], shown: readonly Column<T>[], columns: number): string {
  const cells = [
    shown.map(({ title }) => title),
    ...rows.map((row) => shown.map(({ show }) => clean(show(row)))),
  ]
  const sizes = shown.map((_, i) => ({
    width: Math.max(...cells.map((line) => stringWidth(line[i] ?? ''))),
    isWhole: cells.some((line) => TIME.test(line[i] ?? '')),
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

/** Formats the names and values of one object, one per line. */
export function formatFields(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => stringWidth(name)))
  return fields.map(([name, value]) => `${pad(name, width)}${GAP}${clean(value)}`.trimEnd()).join('\n')
}

/** Splits a text into lines of whole words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last === '') lines[lines.length - 1] = word
    else if (stringWidth(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Narrows the widest columns until a line fits. */
function shrink(sizes: readonly { width: number; isWhole: boolean }[], columns: number): number[] {
  const fitted = sizes.map(({ width }) => width)
  const total = () => fitted.reduce((sum, width) => sum + width, 0) + GAP.length * (fitted.length - 1)
  while (total() > columns) {
    const cuttable = fitted.map((width, i) => (sizes[i]?.isWhole ? 0 : width))
    const widest = Math.max(...cuttable)
    if (widest <= MIN_WIDTH) break
    fitted[cuttable.indexOf(widest)] = widest - 1
  }
  return fitted
}

/** A text with exactly that width: filled with spaces, or cut with an ellipsis at its end. */
function pad(text: string, width: number): string {
  const cut = stringWidth(text) > width ? `${takeWidth(text, width - 1)}…` : text
  return cut + ' '.repeat(Math.max(0, width - stringWidth(cut)))
}

/** The longest beginning of a text that fits. It splits no character. */
function takeWidth(text: string, width: number): string {
  let taken = ''
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(taken + segment) > width) break
    taken += segment
  }
  return taken
}

/** Replaces control and format characters. They could move the cursor or colour the terminal. */
export function clean(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '�')
}
