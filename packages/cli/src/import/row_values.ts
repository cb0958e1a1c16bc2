import type { RowValues } from './file_row.ts'

/** A row that cannot be sent; the message says why, beginning with its column. */
export class RowRefused extends Error {
  override name = 'RowRefused'
}

/** Text as it is; a number as its digits. Undefined where it is absent. @throws RowRefused */
export function textOf(values: RowValues, column: string): string | undefined {
  const value = values[column]
  if (value === undefined || typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new RowRefused(`${column}: must be text`)
}

/** @throws RowRefused */
export function integerOf(values: RowValues, column: string): number | undefined {
  const text = textOf(values, column)
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new RowRefused(`${column}: must be a whole number`)
  return Number(text)
}

/** As databases write truth values, PostgreSQL's `t` too. */
const TRUTH: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  '1': true,
  false: false,
  f: false,
  no: false,
  '0': false,
}

/** @throws RowRefused */
export function truthOf(values: RowValues, column: string): boolean | undefined {
  const value = values[column]
  if (value === undefined || typeof value === 'boolean') return value
  const truth = TRUTH[String(value).toLowerCase()]
  if (truth === undefined) throw new RowRefused(`${column}: must be true or false`)
  return truth
}

/** A JSON list, or items with `,` or `|` between them. @throws RowRefused */
export function listOf(values: RowValues, column: string): string[] | undefined {
  const value = values[column]
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  if (typeof value !== 'string') throw new RowRefused(`${column}: must be a list`)
  return splitList(value)
}

/** The items of a text, with `,` or `|` between them. */
export function splitList(text: string): string[] {
  return text
    .split(/[,|]/)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** The members of an object that are not undefined. */
export function given<T extends object>(row: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const members = Object.entries(row).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/**
 * @param option The option of the command line that gives the value for rows without one.
 * @throws RowRefused
 */
export function requireText(text: string | undefined, column: string, option?: string): string {
  const help = option === undefined ? '' : `, or the option ${option}`
  if (text === undefined) throw new RowRefused(`${column}: is needed${help}`)
  return text
}
