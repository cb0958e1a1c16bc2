import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { AUDIT_KINDS } from '../../src/audit/audit_event.ts'
import { ReadinessStore } from '../../src/storage/readiness_store.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'
import { readLogEvents } from '../support/log_events.ts'

const page = readFileSync('docs/monitoring.md', 'utf8')
const sections = page.split(/^## /m)

/** The cells of the first column of each table of a section, without the backticks. */
function firstCells(section: string, shape: RegExp): string[] {
  const text = sections.find((part) => part.startsWith(section)) ?? ''
  return [...text.matchAll(shape)].map(([, name = '']) => name)
}

/** A row of the table of log lines: event, threshold, window and urgency. */
const ALERT = /^\| `([a-z_]+)` \| (\d+) in (\d+) (min|h) \| (page|ticket) \| .+ \|$/gm

interface Alert {
  event: string
  count: number
  /** As in Loki, such as `15m`. */
  window: string
  urgency: string
}

const alerts = [...page.matchAll(ALERT)].map(
  ([, event = '', count, length, unit = '', urgency = '']): Alert => ({
    event,
    count: Number(count),
    window: `${length}${unit[0]}`,
    urgency,
  }),
)

interface Rules {
  groups: { rules: { alert: string; expr: string }[] }[]
}

/** Reads a rule of Loki in the two forms of the page: a minimum, and an event that is absent. */
function readRule(expr: string): Omit<Alert, 'urgency'> {
  const [, event = '', window = ''] = /\|= `"event":"([a-z_]+)"`.* ?\[(\d+[mh])\]/.exec(expr) ?? []
  const [, minimum] = / >= (\d+)$/.exec(expr) ?? []
  return { event, window, count: expr.startsWith('absent_over_time') ? 0 : Number(minimum) }
}

describe('docs/monitoring.md', () => {
  it('the table of log lines has each event that the source logs as error or warn, and of the others only swept', () => {
    const { levels } = readLogEvents()
    const expected = [...levels].filter(([, level]) => /'(error|warn)'/.test(level)).map(([event]) => event)
    expect(expected.length).toBeGreaterThan(30)
    expect(alerts.map(({ event }) => event).toSorted()).toEqual([...expected, 'swept'].toSorted())
  })

  it('each row of the table of log lines has a threshold, a window and an urgency', () => {
    const rows = firstCells('Log lines', /^\| `([a-z_]+)`/gm)
    expect(alerts.map(({ event }) => event)).toEqual(rows)
  })

  it('the page counts only the lines with the level error of the events that have two levels', () => {
    const { levels } = readLogEvents()
    const mixed = [...levels].filter(([, level]) => level.includes('?')).map(([event]) => event)
    const [, sentence = ''] = /For ([^\n]+) count only the lines with the level `error`/.exec(page) ?? []
    expect([...sentence.matchAll(/`(\w+)`/g)].map(([, event = '']) => event).toSorted()).toEqual(
      mixed.toSorted(),
    )
  })

  it('each audit event with an alert is a kind of the audit trail', () => {
    const names = firstCells('Audit events', /^\| `([a-z_]+)`/gm)
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !AUDIT_KINDS.some((kind) => kind === name))).toEqual([])
  })

  it('the rules of Loki are the rows with the urgency page, with the same thresholds and windows', () => {
    const [block] = readCodeBlocks('docs/monitoring.md').filter(({ text }) =>
      text.includes('count_over_time'),
    )
    const { groups } = parse(block?.text ?? '') as Rules
    const rules = groups.flatMap(({ rules }) => rules.map(({ expr }) => readRule(expr)))
    const pages = alerts
      .filter(({ urgency }) => urgency === 'page')
      .map(({ event, count, window }) => ({ event, window, count }))
    expect(pages.length).toBeGreaterThan(10)
    expect(rules).toEqual(pages)
  })

  it('the table of failing dependencies has each name that readiness reports', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const down = () => {
      throw new Error('down')
    }
    const stores = new ReadinessStore([{ prepare: down } as unknown as D1Database], {
      get: down,
    } as unknown as KVNamespace)
    const documented = firstCells('Health endpoints', /^\| `([a-z_]+)`/gm)
    // `test/e2e/backup.test.ts` sees the third name at a server with another SEALING_KEY.
    expect(documented).toEqual([...(await stores.findFailing()), 'signing_keys'])
  })

  it('each health endpoint of the page has its path in the source of an endpoint', () => {
    const paths = firstCells('Health endpoints', /^\| `(\/[^`]+)`/gm)
    const sources = ['health', 'jwks', 'revocations'].map((name) =>
      readFileSync(`src/endpoints/${name}.ts`, 'utf8'),
    )
    expect(paths).toHaveLength(4)
    expect(paths.filter((path) => !sources.some((text) => text.includes(`'${path}'`)))).toEqual([])
  })
})
