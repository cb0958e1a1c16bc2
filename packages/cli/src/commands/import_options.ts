import type { Call } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { flag, type Option, text, texts } from '../core/option.ts'
import { didYouMean } from '../core/suggest.ts'
import { ColumnPlan } from '../import/column_plan.ts'
import { FORMATS, formatOf, type ImportFile } from '../import/import_file.ts'
import type { ImportKind } from '../import/import_kind.ts'
import { NULL_MARKERS } from '../import/null_markers.ts'
import { PRESETS, type Preset } from '../import/presets.ts'

const FORMAT = text('format', 'The format of the file. By default the file extension decides', {
  value: FORMATS.join('|'),
})
const DELIMITER = text('delimiter', 'The delimiter of cells. By default a comma for csv, a tab for mysql', {
  value: 'CHARACTER',
})
const MAP = texts('map', 'Fill a field from a column of the file. Can be repeated', {
  value: 'COLUMN=FIELD',
})
const IGNORE = texts('ignore', 'Ignore a column of the file. Can be repeated', { value: 'COLUMN' })
const SET = texts('set', 'Set a field in the rows that have no value for it. Can be repeated', {
  value: 'FIELD=VALUE',
})
const NULL = texts(
  'null',
  `A text that stands for NULL. Can be repeated. Default: ${NULL_MARKERS.join(' ')}`,
  { value: 'TEXT' },
)
const BACKSLASH_IS_TEXT = flag('backslash-is-text', 'Read a backslash in a CSV cell as text')

export const PRESET = text(
  'preset',
  `The columns of a known export: ${PRESETS.map(({ name }) => name).join(', ')}`,
  {
    value: 'NAME',
  },
)

/** The options for reading a file. */
export const FILE_OPTIONS: readonly Option[] = [FORMAT, DELIMITER, MAP, IGNORE, SET, NULL, BACKSLASH_IS_TEXT]

/** The file that the command line names. @throws UsageError */
export function readFileOptions({ input }: Call, kind: ImportKind): ImportFile {
  const path = input.argument('FILE')
  const delimiter = input.get(DELIMITER) ?? null
  if (delimiter !== null && delimiter.length !== 1) throw new UsageError('--delimiter must be one character')
  const preset = findPreset(input.get(PRESET))
  const format = formatOf(path, input.get(FORMAT))
  if (preset !== null && !preset.formats.includes(format)) {
    throw new UsageError(`--preset ${preset.name} reads ${preset.formats.join(' or ')}, not ${format}`)
  }
  const plan = new ColumnPlan(kind.columns, {
    map: input.get(MAP) ?? [],
    ignore: input.get(IGNORE) ?? [],
    set: input.get(SET) ?? [],
    preset,
    nulls: input.get(NULL) ?? NULL_MARKERS,
    isBackslashText: input.has(BACKSLASH_IS_TEXT),
  })
  return { path, format, delimiter, plan }
}

/** @throws UsageError */
export function findPreset(name: string | undefined): Preset | null {
  if (name === undefined) return null
  const names = PRESETS.map((preset) => preset.name)
  const found = PRESETS.find((preset) => preset.name === name)
  if (found !== undefined) return found
  const meant = didYouMean(name, names)
  throw new UsageError(`there is no preset "${name}"${meant} Presets are: ${names.join(', ')}.`)
}
