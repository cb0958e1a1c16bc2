import { UsageError } from './exit_code.ts'
import { parseTime } from './time.ts'

/** An option of a command, with its parser. */
export interface Option<T = unknown> {
  /** The name without the two dashes. */
  name: string
  /** The placeholder for the value in the help; null for a flag. */
  value: string | null
  summary: string
  /** The name of the field in the admin API that gets the value. */
  field?: string
  /** Whether the command fails without the option. */
  isRequired?: boolean
  /** @throws UsageError */
  parse(text: string): T
  /** Combines two values. Only a repeatable option has it. */
  merge?(earlier: T, later: T): T
}

interface Details {
  value?: string
  field?: string
  isRequired?: boolean
  /** The limits of an integer, both allowed. */
  range?: { min: number; max: number }
}

/** Makes an option from its name, its summary and its optional details. */
type Define<T> = (name: string, summary: string, details?: Details) => Option<T>

/** @param read Parses a value. It gets the name with its dashes for its errors. */
function define<T>(
  read: (given: string, name: string, details: Details) => T,
  placeholder?: string,
): Define<T> {
  return (name, summary, details = {}) => ({
    name,
    summary,
    value: placeholder ?? name.toUpperCase().replaceAll('-', '_'),
    ...details,
    parse: (given) => read(given, `--${name}`, details),
  })
}

export const flag: Define<true> = (name, summary, details) => ({
  name,
  summary,
  value: null,
  ...details,
  parse: () => true,
})

export const text = define((given) => given)

/** The same option where it is required and must not be empty. */
export function requiredText(option: Option<string>): Option<string> {
  return {
    ...option,
    isRequired: true,
    parse(given) {
      if (given.trim() === '') throw new UsageError(`--${option.name} must not be empty`)
      return option.parse(given)
    },
  }
}

/** A comma-separated list; an empty text is the empty list. */
export const list = define(splitItems, 'A,B')

/** A repeatable option with a text value. */
export const texts: Define<string[]> = (...settings) => ({
  ...text(...settings),
  parse: (given) => [given],
  merge: (earlier, later) => [...earlier, ...later],
})

/** An option with a fixed set of values. */
export function choice<T extends string>(name: string, summary: string, words: readonly T[]): Option<T> {
  return define((given, option) => requireWord(given, { option, words }), words.join('|'))(name, summary)
}

/** A comma-separated list of words from a fixed set. */
export function choices<T extends string>(name: string, summary: string, words: readonly T[]): Option<T[]> {
  const read = (given: string, option: string) =>
    splitItems(given).map((item) => requireWord(item, { option, words }))
  return define(read, 'A,B')(name, summary)
}

export const integer = define((given, name, { value, range }) => {
  if (!/^\d{1,15}$/.test(given)) throw new UsageError(`${name} must be a whole number`)
  const { min, max } = range ?? { min: 0, max: Infinity }
  if (Number(given) >= min && Number(given) <= max) return Number(given)
  throw new UsageError(`${name} must be from ${min} to ${max}${value === 'SECONDS' ? ' seconds' : ''}`)
}, 'N')

export const truth = define(
  (given, option) => requireWord(given, { option, words: ['true', 'false'] }) === 'true',
  'true|false',
)

/** A JSON object. */
export const json = define((given, name): unknown => {
  try {
    return JSON.parse(given)
  } catch {
    throw new UsageError(`${name} must be JSON`)
  }
}, 'JSON')

/** A time in Unix seconds. */
export const time = define((given, name) => {
  const seconds = parseTime(given)
  if (seconds !== null) return seconds
  throw new UsageError(
    `${name} must be a date, such as 2026-11-25 or 2026-11-25T10:30, or an age, such as 2h or 7d`,
  )
}, 'TIME')

function splitItems(given: string): string[] {
  const items = given.split(',').map((item) => item.trim())
  return items.filter((item) => item !== '')
}

function requireWord<T extends string>(
  given: string,
  { option, words }: { option: string; words: readonly T[] },
): T {
  const word = words.find((candidate) => candidate === given)
  if (word !== undefined) return word
  throw new UsageError(`${option} must be ${words.join(' or ')}`)
}
