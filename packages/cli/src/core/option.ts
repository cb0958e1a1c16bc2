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
  /** @throws UsageError */
  parse(text: string): T
  /** Combines two values. Only a repeatable option has it. */
  merge?(earlier: T, later: T): T
}

interface Details {
  value?: string
  field?: string
  /** The limits of an integer, both allowed. */
  range?: { min: number; max: number }
}

/** Makes an option from its name, its summary and its optional details. */
type Define<T> = (name: string, summary: string, details?: Details) => Option<T>

export const flag: Define<true> = (name, summary, details = {}) => ({
  name,
  summary,
  value: null,
  parse: () => true,
  ...fieldOf(details),
})

export const text: Define<string> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, details),
  parse: (given) => given,
})

/** The members that all options with a value have. */
function describeValue(name: string, summary: string, details: Details) {
  const value = details.value ?? name.toUpperCase().replaceAll('-', '_')
  return { name, summary, value, ...fieldOf(details) }
}

/** A comma-separated list; an empty text is the empty list. */
export const list: Define<string[]> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, { value: 'A,B', ...details }),
  parse: (given) =>
    given
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
})

/** A repeatable option with a text value. */
export const texts: Define<string[]> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, details),
  parse: (given) => [given],
  merge: (earlier, later) => [...earlier, ...later],
})

/** An option with a fixed set of values. */
export function choice<T extends string>(name: string, summary: string, words: readonly T[]): Option<T> {
  return {
    ...describeValue(name, summary, { value: words.join('|') }),
    parse(given) {
      const word = words.find((candidate) => candidate === given)
      if (word !== undefined) return word
      throw new UsageError(`--${name} must be ${words.join(' or ')}`)
    },
  }
}

export const integer: Define<number> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, { value: 'N', ...details }),
  parse(given) {
    const value = parseInteger(name, given)
    const unit = details.value === 'SECONDS' ? ' seconds' : ''
    const { min, max } = details.range ?? { min: 0, max: Infinity }
    if (value >= min && value <= max) return value
    throw new UsageError(`--${name} must be from ${min} to ${max}${unit}`)
  },
})

/** A number of seconds, or `default`, which is null. */
export const lifetime: Define<number | null> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, { value: 'SECONDS|default', ...details }),
  parse: (given) => (given === 'default' ? null : parseInteger(name, given)),
})

export const truth: Define<boolean> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, { value: 'true|false', ...details }),
  parse(given) {
    if (given === 'true' || given === 'false') return given === 'true'
    throw new UsageError(`--${name} must be true or false`)
  },
})

/** A time in Unix seconds. */
export const time: Define<number> = (name, summary, details = {}) => ({
  ...describeValue(name, summary, { value: 'TIME', ...details }),
  parse(given) {
    const seconds = parseTime(given)
    if (seconds !== null) return seconds
    throw new UsageError(
      `--${name} must be a date, such as 2026-11-25 or 2026-11-25T10:30, or an age, such as 2h or 7d`,
    )
  },
})

function parseInteger(name: string, given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new UsageError(`--${name} must be a whole number`)
}

function fieldOf({ field }: Details): { field?: string } {
  return field === undefined ? {} : { field }
}
