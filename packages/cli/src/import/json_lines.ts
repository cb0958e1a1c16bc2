import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { readText } from './read_text.ts'

/**
 * The rows of a file with one JSON object on each line (NDJSON).
 *
 * @throws CliError if the file is malformed
 */
export async function* readJsonLines(file: string, plan: ColumnPlan): AsyncGenerator<FileRow> {
  let line = 0
  for await (const text of readLines(file)) {
    line++
    if (text.trim() !== '') yield toJsonRow(line, text, plan)
  }
}

/** The row of a JSON object. @throws CliError if a member is unknown */
export function toJsonRow(line: number, text: string, plan: ColumnPlan): FileRow {
  const object = parseObject(text)
  if (object === null) return { line, problems: ['is not a JSON object'] }
  const values = plan.preset?.flatten?.(object) ?? object
  plan.check(Object.keys(values), { where: `line ${line}`, isWhole: false })
  return plan.arrange(line, values)
}

async function* readLines(file: string): AsyncGenerator<string> {
  let rest = ''
  let count = 0
  for await (const text of readText(file)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line
    count += lines.length
    if (rest.length > MAX_ROW_CHARACTERS)
      throw new CliError('failed', `${file}: line ${count + 1} is too long`)
  }
  if (rest !== '') yield rest
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
