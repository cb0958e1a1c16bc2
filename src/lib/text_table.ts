import { CorruptRecord } from './storage_error.ts'

/** The place of a value in a text: `{1}` is the first value. */
const PLACE = /\{(\d)\}/g

/** Writes a table of texts as JSON values. A function becomes its text, with `{1}` and `{2}` in the places of its values. */
export function packTexts(table: object): object {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, packValue(value)]))
}

function packValue(value: unknown): unknown {
  if (typeof value === 'function') return value('{1}', '{2}')
  return typeof value === 'object' && value !== null ? packTexts(value) : value
}

/**
 * The opposite of `packTexts`.
 *
 * @param pattern A table with the names of the result, such as that of another language.
 * @throws CorruptRecord if a text is missing
 */
export function unpackTexts<T extends object>(pattern: T, packed: unknown): T {
  const found = new Map(Object.entries(Object(packed)))
  const entries = Object.entries(pattern).map(([name, value]) => [
    name,
    unpackValue(value, found.get(name), name),
  ])
  return Object.fromEntries(entries) as T
}

function unpackValue(pattern: unknown, packed: unknown, name: string): unknown {
  if (typeof pattern === 'object' && pattern !== null) return unpackTexts(pattern, packed)
  if (typeof packed !== 'string') throw new CorruptRecord(`the text ${name} is missing`)
  if (typeof pattern === 'string') return packed
  return (...values: unknown[]) => packed.replaceAll(PLACE, (_place, index) => String(values[index - 1]))
}
