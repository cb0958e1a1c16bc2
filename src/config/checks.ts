import * as z from 'zod/mini'
import {
  type About,
  addRules,
  type Check,
  convert,
  type FileOf,
  type Keys,
  mapping,
  type Rule,
  type ValuesOf,
} from './key.ts'

export const DAY = 86_400

/** The facts about a check of a value without inner keys. */
type SimpleAbout = Pick<About, 'bounds'> & { unit?: string }

/** The check of a value without inner keys. `Config` has the same value as config.yml. */
export function check<T>(schema: z.ZodMiniType<T>, { bounds, unit }: SimpleAbout): Check<T> {
  return { schema, read: (value) => value, unit: unit ?? null, bounds, inner: null }
}

function integer(min: number, max: number, unit: string): Check<number> {
  const named = unit === '' ? '' : ` ${unit}`
  const schema = z
    .int(unit === '' ? 'must be a whole number' : `must be a whole number of ${unit}`)
    .check(z.gte(min, `must be at least ${min}${named}`), z.lte(max, `must be at most ${max}${named}`))
  return check(schema, { bounds: `${min} to ${max}`, unit })
}

export const seconds = (min: number, max: number) => integer(min, max, 'seconds')

/** A duration: seconds in config.yml, milliseconds in `Config`. */
export const secondsToMs = (min: number, max: number) => convert(seconds(min, max), (value) => value * 1000)

/** A duration: days in config.yml, seconds in `Config`. */
export const daysToSeconds = (min: number, max: number) =>
  convert(integer(min, max, 'days'), (value) => value * DAY)

/** A duration: hours in config.yml, seconds in `Config`. */
export const hoursToSeconds = (min: number, max: number) =>
  convert(integer(min, max, 'hours'), (value) => value * 3600)

/** A number of things. @param unit The things, for the documentation. */
export const count = (min: number, max: number, unit: string) => ({ ...integer(min, max, ''), unit })

export const flag = check(z.boolean('must be true or false'), { bounds: '`true`, `false`' })

export function oneOf<const T extends readonly string[]>(values: T): Check<T[number]> {
  const bounds = values.map((value) => `\`${value}\``).join(', ')
  return check(z.enum(values, `must be one of ${values.join(', ')}`), { bounds })
}

/** A list of values. @param plural The plural name of the values, for the message. */
export function listOf<T>(item: Check<T>, plural: string, rules: readonly Rule<T[]>[] = []): Check<T[]> {
  const schema = z.array(item.schema, `must be a list of ${plural}`)
  return check(addRules(schema, rules), { bounds: item.bounds, unit: 'list' })
}

/** A list of mappings with the same keys. */
export function listOfMappings<K extends Keys>(
  keys: K,
  rules: readonly Rule<FileOf<K>[]>[],
): Check<FileOf<K>[], ValuesOf<K>[]> {
  const item = mapping(keys)
  return {
    schema: z.array(item.schema, 'must be a list of mappings').check(...rules),
    read: (file) => file.map(item.read),
    unit: 'list',
    bounds: 'at least one entry',
    inner: { keys, step: '[].' },
  }
}

/** A lower-case name, such as that of an API. */
export const name = check(
  z
    .string('must be a name')
    .check(
      z.regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a lower-case name of up to 32 letters, digits, - or _'),
    ),
  { bounds: 'up to 32 of `a-z`, `0-9`, `-` and `_`, the first a letter' },
)

/** The binding of a D1 database. */
export const databaseBinding = check(
  z
    .string('must be a D1 binding of wrangler.toml')
    .check(z.regex(/^[A-Z][A-Z0-9_]*$/, 'must be a D1 binding of wrangler.toml')),
  { bounds: '`A-Z`, `0-9` and `_`, the first a letter' },
)

export function areUnique(items: readonly string[]): boolean {
  return new Set(items).size === items.length
}
