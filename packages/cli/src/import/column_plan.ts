import { CliError, UsageError } from '../core/exit_code.ts'
import { didYouMean, suggest } from '../core/suggest.ts'
import type { FileRow, ImportColumn, RowValues } from './file_row.ts'
import { findNullItem, isNull, NULL_MARKERS } from './null_markers.ts'
import type { Preset } from './presets.ts'
import { splitList } from './row_values.ts'

/** The rules of an operator for the columns of a file. */
export interface ColumnRules {
  /** Items of the form `column=field`. */
  map: readonly string[]
  ignore: readonly string[]
  /** Items of the form `field=value`, for rows without a value in that field. */
  set: readonly string[]
  preset: Preset | null
  /** Texts that stand for NULL. */
  nulls: readonly string[]
  /** Whether a backslash in a cell of CSV is text. If not, a row with one is refused, because it may begin an escape. */
  isBackslashText: boolean
}

/** The rules of a file whose columns have the names of the fields. */
export const PLAIN_RULES: ColumnRules = {
  map: [],
  ignore: [],
  set: [],
  preset: null,
  nulls: NULL_MARKERS,
  isBackslashText: false,
}

/** A column of a file, and the fields that it fills. */
interface Target {
  column: string
  fields: readonly string[]
}

/** Decides which columns of a file fill which fields. The case of a column's name does not count. */
export class ColumnPlan {
  readonly #fields: readonly ImportColumn[]
  readonly #rules: ColumnRules
  readonly #targets: ReadonlyMap<string, readonly string[]>
  readonly #constants: RowValues
  readonly #known = new Set<string>()
  /** The fields by column: computed once for each column, not for each row. */
  readonly #fieldsByColumn = new Map<string, readonly string[]>()

  /** @throws UsageError if a rule names an unknown field */
  constructor(fields: readonly ImportColumn[], rules: ColumnRules) {
    this.#fields = fields
    this.#rules = rules
    this.#targets = new Map(readTargets(fields, rules).map(({ column, fields }) => [column, fields]))
    this.#constants = { ...rules.preset?.constants, ...readConstants(fields, rules.set) }
  }

  get preset(): Preset | null {
    return this.#rules.preset
  }

  /**
   * Checks the columns of a file or a row.
   *
   * @param where The place of the columns, such as `the first line`.
   * @param isWhole Whether these are all columns of the file.
   * @throws CliError that lists each unknown column, and each field that two columns fill
   */
  check(columns: readonly string[], { where, isWhole }: { where: string; isWhole: boolean }): void {
    const names = columns.map(normalize)
    if (!isWhole && names.every((name) => this.#known.has(name))) return
    const problems = [
      ...names.flatMap((name, i) =>
        this.#describeUnknown(name, { column: columns[i] ?? name, place: i + 1 }),
      ),
      ...findRepeated(names)
        .filter((name) => this.isUsed(name))
        .map((name) => `"${name}" is given twice`),
      ...this.#describeDoubles(names),
      ...(isWhole ? this.#describeMissing(names) : []),
    ]
    if (problems.length > 0) throw new CliError('usage', this.#explain(where, problems))
    for (const name of names) this.#known.add(name)
  }

  /** Maps the values of a row to fields. Absent values are left out. */
  arrange(line: number, values: RowValues): FileRow {
    const arranged = this.#fill(values)
    const problems = this.#findNullItems(arranged)
    return problems.length === 0 ? { line, values: arranged } : { line, problems, values: arranged }
  }

  #fill(values: RowValues): RowValues {
    const arranged: Record<string, unknown> = { ...this.#constants }
    for (const [column, value] of Object.entries(values)) {
      if (isNull(value, this.#rules.nulls)) continue
      for (const field of this.#fieldsOf(column)) arranged[field] = value
    }
    return arranged
  }

  /** Like `arrange`, for the cells of CSV. */
  arrangeCells(line: number, cells: Readonly<Record<string, string>>): FileRow {
    const row = this.arrange(line, cells)
    const escaped = this.#rules.isBackslashText ? [] : this.#findBackslashes(cells)
    if (escaped.length === 0) return row
    const help = '--format mysql where it begins an escape, --backslash-is-text where it is text'
    const found = escaped.map((column) => `${column}: has a backslash (${help})`)
    return { ...row, problems: 'problems' in row ? [...found, ...row.problems] : found }
  }

  #findBackslashes(cells: Readonly<Record<string, string>>): string[] {
    return Object.keys(cells).filter((column) => {
      const text = cells[column] ?? ''
      return text.includes('\\') && this.isUsed(column) && !isNull(text, this.#rules.nulls)
    })
  }

  /** The number of columns that fill a field or are ignored on purpose. */
  countKnown(columns: readonly string[]): number {
    return columns.filter((column) => this.#isIgnored(normalize(column)) || this.isUsed(column)).length
  }

  /** @throws CliError if a line seems to have no names of columns. It contains no cell */
  requireNames(cells: readonly string[]): void {
    const near = cells.filter((cell) => suggest(normalize(cell), this.#fieldNames()) !== undefined)
    if (this.countKnown(cells) > 0 || near.length * 2 > cells.length) return
    const fields = this.#fieldNames().join(', ')
    throw new CliError('usage', `The first line names no known column. Columns are: ${fields}.`)
  }

  /** Whether any field is filled from the column. */
  isUsed(column: string): boolean {
    return this.#fieldsOf(column).length > 0
  }

  /** A NULL marker must not be an item of a list: a role of that name would be a mistake. */
  #findNullItems(values: RowValues): string[] {
    return this.#fields.flatMap(({ name, isList = false }) => {
      const value = values[name]
      const items = Array.isArray(value) ? value : isList && typeof value === 'string' ? splitList(value) : []
      const marker = findNullItem(items, this.#rules.nulls)
      return marker === null ? [] : [`${name}: has the item "${marker}", which stands for NULL (--null)`]
    })
  }

  #fieldsOf(column: string): readonly string[] {
    const known = this.#fieldsByColumn.get(column)
    if (known !== undefined) return known
    const fields = this.#decide(normalize(column))
    this.#fieldsByColumn.set(column, fields)
    return fields
  }

  #decide(name: string): readonly string[] {
    if (this.#isIgnored(name)) return []
    const target = this.#targets.get(name)
    if (target !== undefined) return target
    return this.#rules.preset === null && this.#isField(name) ? [name] : []
  }

  #isIgnored(name: string): boolean {
    return this.#rules.ignore.some((column) => normalize(column) === name)
  }

  #isField(name: string): boolean {
    return this.#fields.some((field) => field.name === name)
  }

  /** Describes an unknown column. A preset ignores unknown columns. */
  #describeUnknown(name: string, { column, place }: { column: string; place: number }): string[] {
    const isKnown = this.#isIgnored(name) || this.#targets.has(name) || this.#isField(name)
    if (isKnown || this.#rules.preset !== null) return []
    if (!looksLikeName(name)) return [`column ${place} is not known`]
    const field = suggest(name, this.#fieldNames()) ?? 'FIELD'
    const meant = didYouMean(name, this.#fieldNames())
    return [`"${name}" is not known${meant} (--map '${column}=${field}' or --ignore '${column}')`]
  }

  #describeDoubles(names: readonly string[]): string[] {
    const filled = new Map<string, string>()
    return names.flatMap((name) =>
      this.#fieldsOf(name).flatMap((field) => {
        const other = filled.get(field)
        filled.set(field, name)
        return other === undefined || other === name ? [] : [`"${other}" and "${name}" both fill ${field}`]
      }),
    )
  }

  #describeMissing(names: readonly string[]): string[] {
    const mapped = this.#rules.map.map((rule) => normalize(splitRule(rule, '--map')[0]))
    const wanted = [...mapped, ...this.#rules.ignore.map(normalize)]
    return wanted
      .filter((column) => !names.includes(column))
      .map((column) => `"${column}" of --map or --ignore is missing`)
  }

  #fieldNames(): string[] {
    return this.#fields.map(({ name }) => name)
  }

  #explain(where: string, problems: readonly string[]): string {
    return [
      `Columns of ${where}:`,
      ...problems.map((text) => `  ${text}`),
      `Columns are: ${this.#fieldNames().join(', ')}.`,
    ].join('\n')
  }
}

/** A name of a column has few digits and no special characters. A hash or an address in its place is not shown. */
function looksLikeName(text: string): boolean {
  return /^\p{L}[\p{L}\p{N} _.-]{0,39}$/u.test(text) && (text.match(/\p{N}/gu) ?? []).length <= 3
}

function normalize(column: string): string {
  return column.trim().toLowerCase()
}

/** A rule of --map replaces the preset's rule for the same column. @throws UsageError */
function readTargets(fields: readonly ImportColumn[], { map, preset }: ColumnRules): Target[] {
  const given = new Map<string, string[]>()
  for (const rule of map) {
    const [column, field] = splitRule(rule, '--map')
    requireField(field, { fields, option: '--map' })
    given.set(normalize(column), [...(given.get(normalize(column)) ?? []), field])
  }
  const explicit = [...given].map(([column, targets]) => ({ column, fields: targets }))
  const filled = new Set(explicit.flatMap((target) => target.fields))
  const fromPreset = Object.entries(preset?.columns ?? {}).map(([column, targets]) => ({
    column: normalize(column),
    fields: targets.filter((field) => !filled.has(field)),
  }))
  return [...fromPreset, ...explicit]
}

function readConstants(fields: readonly ImportColumn[], rules: readonly string[]): RowValues {
  return Object.fromEntries(
    rules.map((rule) => {
      const at = rule.indexOf('=')
      if (at < 1) throw new UsageError('--set must be FIELD=VALUE')
      const field = rule.slice(0, at)
      requireField(field, { fields, option: '--set' })
      return [field, rule.slice(at + 1)]
    }),
  )
}

/** Splits at the last `=`, because a column name can contain `=`. @throws UsageError */
function splitRule(rule: string, option: string): [column: string, field: string] {
  const at = rule.lastIndexOf('=')
  if (at < 1) throw new UsageError(`${option} must be COLUMN=FIELD`)
  return [rule.slice(0, at), rule.slice(at + 1)]
}

function requireField(
  field: string,
  { fields, option }: { fields: readonly ImportColumn[]; option: string },
): void {
  const names = fields.map(({ name }) => name)
  if (names.includes(field)) return
  const meant = didYouMean(field, names)
  throw new UsageError(`${option}: there is no field "${field}"${meant} Fields are: ${names.join(', ')}.`)
}

function findRepeated(names: readonly string[]): string[] {
  return names.filter((name, i) => names.indexOf(name) !== i)
}
