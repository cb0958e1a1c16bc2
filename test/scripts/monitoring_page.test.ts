import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { AUDIT_KINDS } from '../../src/audit/audit_event.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'

const NAMES = /^\| `([a-z_]+)`/gm
const sections = readFileSync('docs/monitoring.md', 'utf8').split(/^## /m)
const [, logLines = ''] = readFileSync('docs/errors.md', 'utf8').split('## Log lines')

/** The names in the first column of the table of a section. */
function namesIn(section: string): string[] {
  const text = sections.find((part) => part.startsWith(section)) ?? ''
  return [...text.matchAll(NAMES)].map(([, name = '']) => name)
}

/** `refused` is described above the table of errors.md; `test/scripts/log_lines.test.ts` compares the table with the source. */
const logged = ['refused', ...[...logLines.matchAll(NAMES)].map(([, name = '']) => name)]

interface Rules {
  groups: { rules: { alert: string; expr: string }[] }[]
}

describe('docs/monitoring.md', () => {
  it('each log line with an alert is an event of the server', () => {
    const names = namesIn('Log lines')
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !logged.includes(name))).toEqual([])
  })

  it('each audit event with an alert is a kind of the audit trail', () => {
    const names = namesIn('Audit events')
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !AUDIT_KINDS.some((kind) => kind === name))).toEqual([])
  })

  it('each rule of Loki searches for an event of the table', () => {
    const [block] = readCodeBlocks('docs/monitoring.md').filter(({ language }) => language === 'yaml')
    const { groups } = parse(block?.text ?? '') as Rules
    const searched = groups.flatMap(({ rules }) => rules.map(({ expr }) => /\|= "([a-z_]+)"/.exec(expr)?.[1]))
    expect(searched.length).toBeGreaterThan(2)
    expect(searched.filter((name) => !namesIn('Log lines').includes(name ?? ''))).toEqual([])
  })
})
