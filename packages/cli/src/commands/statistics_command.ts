import type { Statistics } from '../api/schemas.ts'
import type { Command } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { choice, integer } from '../core/option.ts'
import { type Column, formatTable } from '../core/table.ts'
import { formatItem, moment, printJson, showTime } from './output.ts'

/** The ranges of the console, in minutes. */
const RANGES = { '1h': 60, '6h': 360, '1d': 1440, '7d': 7 * 1440, '30d': 30 * 1440 } as const
const RANGE_NAMES = Object.keys(RANGES) as (keyof typeof RANGES)[]

const RANGE = choice('range', 'The time range, which ends now. Default: 1h', RANGE_NAMES)
const MINUTES = integer('minutes', 'The time range as a number of minutes, up to 43200; it ends now')

/** A count of the period and of the previous one. */
interface Count {
  name: string
  count: number
  previous: number
}

const COLUMNS: readonly Column<Count>[] = [
  { title: 'NAME', show: ({ name }) => name },
  { title: 'COUNT', show: ({ count }) => String(count) },
  { title: 'PREVIOUS', show: ({ previous }) => String(previous) },
]
const TIMES = [moment('From', 'from'), moment('To', 'to')]

const statistics: Command = {
  name: 'statistics',
  summary:
    'Show active sessions, tokens by grant and failures by cause, each with the number of the previous period',
  details:
    'With --json, the output also has the numbers of up to 60 parts of the range ("buckets"). If the range is longer than a day, it consists of whole hours, otherwise of whole minutes.',
  options: [RANGE, MINUTES],
  operations: ['GET /statistics'],
  async run(call) {
    const { terminal, input, api } = call
    if (input.has(RANGE) && input.has(MINUTES))
      throw new UsageError('--range and --minutes cannot be used together')
    const minutes = input.get(MINUTES) ?? RANGES[input.get(RANGE) ?? '1h']
    const response = await api.read({ operation: 'GET /statistics', query: { minutes: String(minutes) } })
    if (input.has(JSON_OUTPUT)) return printJson(call, response)
    terminal.print(formatItem(response, TIMES))
    terminal.print(formatTable(countsOf(response), COLUMNS, terminal.columns))
    terminal.print(formatItem(response, NOW))
    for (const note of notesOf(response)) terminal.say(note)
  },
}

export const STATISTICS_COMMANDS: readonly Command[] = [statistics]

const NOW: readonly Column<Statistics>[] = [
  { title: 'Locked accounts', show: ({ locked_accounts: locked }) => String(locked) },
  { title: 'Next key change', show: ({ next_key_change: change }) => showTime(change?.at) },
]

function countsOf({ total, previous }: Statistics): Count[] {
  const { total: before } = previous
  const compare = (name: string, count = 0, earlier = 0): Count => ({ name, count, previous: earlier })
  const causes = new Set([...Object.keys(total.failures_by_cause), ...Object.keys(before.failures_by_cause)])
  return [
    ...Object.entries(total.tokens).map(([grant, count]) =>
      compare(`tokens (${grant})`, count, before.tokens[grant]),
    ),
    compare('failures', total.failures, before.failures),
    ...[...causes].map((cause) =>
      compare(`failures (${cause})`, total.failures_by_cause[cause], before.failures_by_cause[cause]),
    ),
    compare('thefts', total.thefts, before.thefts),
    compare('breached passwords', total.breached_passwords, before.breached_passwords),
    compare('unchecked passwords', total.unchecked_passwords, before.unchecked_passwords),
    compare('active sessions', total.active_sessions, before.active_sessions),
  ]
}

function notesOf({ counted_since: since, previous, databases, revocation_feed: feed }: Statistics): string[] {
  const full = databases.filter((database) => database.nearly_full)
  const isMerged = feed !== null && feed.merged.length > 0
  return [
    ...(since === null || since <= previous.from ? [] : [`Events are counted since ${showTime(since)}.`]),
    ...full.map(({ name }) => `The database ${name} is nearly full: see docs/cost.md.`),
    ...(isMerged ? ['Entries of the revocation feed were merged: see docs/sessions.md.'] : []),
  ]
}
