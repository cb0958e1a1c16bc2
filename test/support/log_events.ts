import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A call of `log` in the source: its level, or an expression, and its event. */
const CALL = /\blog\(\s*([^,]+),\s*'([a-z_]+)'/g

/** The start of any call of `log`, to find calls that `CALL` cannot read. */
const ANY_CALL = /(?<!function |\.)\blog\(/g

/** The log events of `src`: the expression of the level of each event, such as `'warn'`. */
export interface LogEvents {
  levels: Map<string, string>
  /** The files with a call whose level or event is not written in the call. */
  unread: string[]
}

export function readLogEvents(): LogEvents {
  const sources = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => /\.tsx?$/.test(name))
  const levels = new Map<string, string>()
  const unread: string[] = []
  for (const name of sources) {
    const text = readFileSync(name, 'utf8')
    const calls = [...text.matchAll(CALL)]
    for (const [, level = '', event = ''] of calls) levels.set(event, level)
    if (calls.length !== [...text.matchAll(ANY_CALL)].length) unread.push(name)
  }
  return { levels, unread }
}
