import { asItem, type Item, type Page } from '../api/admin_api.ts'
import type { Call } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { flag, integer, type Option } from '../core/option.ts'
import { type Column, formatFields, formatTable } from '../core/table.ts'
import { formatTime } from '../core/time.ts'

const DEFAULT_LIMIT = 50

export const LIMIT = integer('limit', `The maximum number of results. Default: ${DEFAULT_LIMIT}`)
export const ALL = flag('all', 'All results')
export const LIST_OPTIONS: readonly Option[] = [LIMIT, ALL]

/** @throws UsageError */
export function limitOf({ input }: Call): number {
  if (input.has(ALL) && input.has(LIMIT)) throw new UsageError('--all and --limit exclude each other')
  const limit = input.has(ALL) ? Infinity : (input.get(LIMIT) ?? DEFAULT_LIMIT)
  if (limit < 1) throw new UsageError('--limit must be at least 1')
  return limit
}

/** A column that shows a member of an object. */
export function member<T extends object = Item>(title: string, name: NoInfer<keyof T & string>): Column<T> {
  return { title, show: (item) => showValue(item[name]) }
}

/** A column that shows a name, or the id if the item has no name. */
export function named(title: string, name: string, id: string): Column<Item> {
  return { title, show: (item) => showValue(item[name] ?? item[id]) }
}

/** A column that shows a time in local time. */
export function moment<T extends object = Item>(title: string, name: NoInfer<keyof T & string>): Column<T> {
  return { title, show: (item) => showTime(item[name]) }
}

export function printPage<T>(call: Call, page: Page<T>, columns: readonly Column<T>[]): void {
  const { terminal, input } = call
  if (input.has(JSON_OUTPUT)) printJson(call, page)
  else if (page.items.length === 0) terminal.say('No results.')
  else terminal.print(formatTable(page.items, columns, terminal.columns))
  if (page.next_cursor !== null) terminal.say('There are more results: use --all or a higher --limit.')
}

/** Prints one object: as JSON, or its members one per line. */
export function printItem<T>(call: Call, item: T, columns: readonly Column<T>[]): void {
  const { terminal, input } = call
  if (input.has(JSON_OUTPUT)) printJson(call, item)
  else terminal.print(formatItem(item, columns))
}

export function formatItem<T>(item: T, columns: readonly Column<T>[]): string {
  return formatFields(columns.map(({ title, show }) => [title.toLowerCase(), show(item)]))
}

export function printJson({ terminal }: Call, value: unknown): void {
  terminal.print(formatJson(value))
}

export function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

export function showValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(showValue).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function showTime(value: unknown): string {
  return typeof value === 'number' ? formatTime(value) : '–'
}

/** The text of a member; empty if the member is not a text. */
export function textOf(item: Item, name: string): string {
  const value = item[name]
  return typeof value === 'string' ? value : ''
}

export function memberOf(item: Item, name: string): Item {
  return asItem(item[name])
}
