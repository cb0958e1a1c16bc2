import { CliError } from '../core/exit_code.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { readText } from './read_text.ts'

/**
 * The rows of a file with one JSON object on each line.
 *
 * @param checkColumns Throws where it does not know a member.
 * @throws CliError where the file is broken
 */
export async function* readJsonRows(
  file: string,
  checkColumns: (names: readonly string[], line: number) => void,
): AsyncGenerator<FileRow> {
  let line = 0
  for await (const text of readLines(file)) {
    line++
    if (text.trim() === '') continue
    const values = parseObject(text)
    if (values === null) yield { line, problem: 'is no JSON object' }
    else {
      checkColumns(Object.keys(values), line)
      yield { line, values: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) }
    }
  }
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

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}
