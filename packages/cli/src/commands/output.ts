import { asItem, type Item, type ListOperation, type ListRequest, type Page } from '../api/admin_api.ts'
import type { Call } from '../core/command.ts'
import { formatCsv, nameOf } from '../core/csv.ts'
import { UsageError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { flag, integer, list, type Option } from '../core/option.ts'
import { didYouMean } from '../core/suggest.ts'
import { ABSENT, type Column, formatFields, formatTable } from '../core/table.ts'
import { currentTime, formatTime } from '../core/time.ts'

const DEFAULT_LIMIT = 50

export const LIMIT = integer('limit', `The maximum number of results. Default: ${DEFAULT_LIMIT}`)
export const ALL = flag('all', 'All results')
const COLUMNS = list('columns', 'Show these columns in this order, such as "client,last-used"')
const CSV = flag('csv', 'Print CSV, with times in UTC')
/** The options of a list that the server sends as a whole. */
export const VIEW_OPTIONS: readonly Option[] = [COLUMNS, CSV]
export const LIST_OPTIONS: readonly Option[] = [LIMIT, ALL, ...VIEW_OPTIONS]

/** @throws UsageError */
function limitOf({ input }: Call): number {
  if (input.has(ALL) && input.has(LIMIT)) throw new UsageError('--all and --limit cannot be used together')
  const limit = input.has(ALL) ? Infinity : (input.get(LIMIT) ?? DEFAULT_LIMIT)
  if (limit < 1) throw new UsageError('--limit must be at least 1')
  return limit
}

/** A column that shows a member of an object. */
export function member<T extends object = Item>(title: string, name: NoInfer<keyof T & string>): Column<T> {
  return { title, show: (item) => showValue(item[name]) }
}

/** The state of a user or a client. */
export const STATE: Column<Item> = {
  title: 'State',
  show: ({ enabled }) => (enabled === true ? 'enabled' : 'disabled'),
}

/** A column that shows a name, or the id if the item has no name. */
export function named(title: string, name: string, id: string): Column<Item> {
  return { title, show: (item) => showValue(item[name] ?? item[id]) }
}

/** A column that shows a time in local time; in CSV, in UTC. */
export function moment<T extends object = Item>(title: string, name: NoInfer<keyof T & string>): Column<T> {
  return { title, show: (item) => showTime(item[name]), toCell: (item) => toUtc(item[name]) }
}

/** A column that shows the last use of a client, which the server knows with the precision of an hour; in CSV, the stored time. */
export function lastUse<T extends object = Item>(title: string, name: NoInfer<keyof T & string>): Column<T> {
  return { title, show: (item) => showLastUse(item[name]), toCell: (item) => toUtc(item[name]) }
}

/** The columns of a list: those that it shows, and more that `--columns` can choose. */
export interface ListView<T> {
  shown: readonly Column<T>[]
  more?: readonly Column<T>[]
}

/** Reads a list, page by page, and prints it. @throws UsageError before a request; as `AdminApi.list` */
export async function printList<O extends ListOperation>(
  call: Call,
  request: ListRequest<O>,
  view: ListView<Item>,
): Promise<void> {
  const print = listPrinter(call, view)
  const limit = limitOf(call)
  const page = await call.api.list(request, limit)
  print(page)
  const { next_cursor: next, archived_before: archived = null } = page
  if (next === null && archived !== null)
    call.terminal.say(
      `Events before ${formatTime(archived)} may be missing here, because they are archived: use "sallyport audit export".`,
    )
}

/** Checks the options of a list. @returns the function that prints it. @throws UsageError */
export function listPrinter<T>(call: Call, view: ListView<T>): (page: Page<T>) => void {
  const { terminal, input } = call
  const columns = chooseColumns(call, view)
  if (input.has(JSON_OUTPUT) && input.has(CSV))
    throw new UsageError('--json and --csv cannot be used together')
  return (page) => {
    if (input.has(JSON_OUTPUT)) printJson(call, page)
    else if (input.has(CSV)) terminal.print(formatCsv(page.items, columns))
    else if (page.items.length > 0) terminal.print(formatTable(page.items, columns, terminal.columns))
    if (page.items.length === 0 && !input.has(JSON_OUTPUT)) terminal.say('No results.')
    if (page.next_cursor !== null) terminal.say('There are more results: use --all or a higher --limit.')
  }
}

/** @throws UsageError that lists the columns */
function chooseColumns<T>({ input }: Call, { shown, more = [] }: ListView<T>): readonly Column<T>[] {
  const known = new Map([...more, ...shown].map((column) => [nameOf(column), column]))
  const names = [...known.keys()]
  return (
    input.get(COLUMNS)?.map((name) => {
      const column = known.get(name.toLowerCase())
      if (column !== undefined) return column
      const meant = didYouMean(name, names) || '.'
      throw new UsageError(`there is no column "${name}"${meant} Columns are: ${names.join(', ')}.`)
    }) ?? shown
  )
}

/** Prints the end of an action: its response as JSON, or one sentence. */
export function printDone(call: Call, response: object | null, sentence: string): void {
  if (call.input.has(JSON_OUTPUT) && response !== null) printJson(call, response)
  else call.terminal.say(sentence)
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
  if (value === null || value === undefined || value === '') return ABSENT
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? ABSENT : value.map(showValue).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function showTime(value: unknown): string {
  return typeof value === 'number' ? formatTime(value) : ABSENT
}

/** A last use in words, such as `within the last hour` or `about 2026-11-25 10:00`. */
export function showLastUse(value: unknown, now = currentTime()): string {
  if (typeof value !== 'number') return ABSENT
  return now - value < 3600 ? 'within the last hour' : `about ${formatTime(value).slice(0, 13)}:00`
}

/** Formats Unix seconds such as `2026-11-25T10:14:03Z`. */
function toUtc(value: unknown): string {
  return typeof value === 'number' ? new Date(value * 1000).toISOString().replace('.000', '') : ''
}

/** The text of a member; empty if the member is not a text. */
export function textOf(item: Item, name: string): string {
  const value = item[name]
  return typeof value === 'string' ? value : ''
}

export function memberOf(item: Item, name: string): Item {
  return asItem(item[name])
}
