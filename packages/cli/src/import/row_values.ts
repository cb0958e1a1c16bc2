import type { RowValues } from './file_row.ts'

/** A row that cannot be sent. Each problem begins with the column and gives the reason. */
export class RowRefused extends Error {
  override name = 'RowRefused'
  readonly problems: readonly string[]

  constructor(...problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** Reads several values of a row. @throws RowRefused with the problems of all of them */
export function readAll<T extends object>(readers: { readonly [K in keyof T]: () => T[K] }): T {
  const problems: string[] = []
  const values: Partial<T> = {}
  for (const name in readers) {
    try {
      values[name] = readers[name]()
    } catch (error) {
      if (!(error instanceof RowRefused)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new RowRefused(...problems)
  // Each reader has set its value.
  return values as T
}

/** Returns text unchanged and a number as its digits; undefined if the value is absent. @throws RowRefused */
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

/** The boolean values that databases write, such as `t` of PostgreSQL. */
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

/** Reads a JSON list, or items that `,` or `|` separates. @throws RowRefused */
export function listOf(values: RowValues, column: string): string[] | undefined {
  const value = values[column]
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  if (typeof value !== 'string') throw new RowRefused(`${column}: must be a list`)
  return splitList(value)
}

/** Reads a JSON object, or its text. @throws RowRefused */
export function objectOf(values: RowValues, column: string): unknown {
  const value = values[column]
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    throw new RowRefused(`${column}: must be JSON`)
  }
}

/** Splits a text at `,` or `|`. */
export function splitList(text: string): string[] {
  return text
    .split(/[,|]/)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/**
 * @param option The option of the command line that gives the value for rows without one.
 * @throws RowRefused
 */
export function requireText(text: string | undefined, column: string, option?: string): string {
  const help = option === undefined ? '' : `, unless the option ${option} is given`
  if (text === undefined) throw new RowRefused(`${column}: is required${help}`)
  return text
}
