import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** A call of `log` in the source: its level, or an expression, and its event. */
const CALL = /\blog\(\s*([^,]+),\s*'([a-z_]+)'/g

/** A row of the table of log lines in docs/errors.md. */
const ROW = /^\| `([a-z_]+)` \| ((?:info|warn|error)[^|]*) \|/gm

const sources = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => /\.tsx?$/.test(name))

const logged = new Map<string, string>()
for (const name of sources) {
  for (const [, level = '', event = ''] of readFileSync(name, 'utf8').matchAll(CALL)) logged.set(event, level)
}
// The page describes the line of a refusal above the table.
logged.delete('refused')

const documented = new Map<string, string>()
const [, section = ''] = readFileSync('docs/errors.md', 'utf8').split('## Log lines')
for (const [, event = '', level = ''] of section.matchAll(ROW)) documented.set(event, level)

/** The level as the page writes it. */
function formatLevel(expression: string): string {
  return expression.includes('500') ? 'info, or error from status 500 on' : expression.replaceAll("'", '')
}

describe('the table of log lines in docs/errors.md', () => {
  it('the table of log lines in docs/errors.md has each event of the source with its level, and no other event', () => {
    expect(logged.size).toBeGreaterThan(20)
    const expected = [...logged].map(([event, level]) => [event, formatLevel(level)])
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected))
  })

  it('the table of log lines in docs/errors.md is in alphabetical order', () => {
    expect([...documented.keys()]).toEqual([...documented.keys()].sort())
  })
})
