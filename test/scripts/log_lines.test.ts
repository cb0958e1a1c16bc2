import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readLogEvents } from '../support/log_events.ts'

/** A row of the table of log lines in docs/errors.md. */
const ROW = /^\| `([a-z_]+)` \| ((?:info|warn|error)[^|]*) \|/gm

const { levels: logged, unread } = readLogEvents()
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

  it('each call of log in the source names its level and its event', () => {
    expect(unread).toEqual([])
  })

  it('the table of log lines in docs/errors.md is in alphabetical order', () => {
    expect([...documented.keys()]).toEqual([...documented.keys()].sort())
  })
})
