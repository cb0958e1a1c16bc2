import type { Command } from '../core/command.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { integer } from '../core/option.ts'
import { formatItem, member, moment, printJson, showValue } from './output.ts'

const TIMES = [moment('From', 'from'), moment('To', 'to')]
const COUNTS = [
  member('Failures', 'failures'),
  member('Breached passwords', 'breached_passwords'),
  member('Unchecked passwords', 'unchecked_passwords'),
  member('Active sessions', 'active_sessions'),
]

const statistics: Command = {
  name: 'statistics',
  summary: 'Show tokens by grant, failures and active sessions of the last minutes',
  details: 'With --json minute by minute, in up to 60 buckets.',
  options: [integer('minutes', 'The number of minutes, up to 1440. Default: 60', { field: 'minutes' })],
  operations: ['GET /statistics'],
  async run(call) {
    const { terminal, input, api } = call
    const response = await api.read({ operation: 'GET /statistics', query: input.query })
    if (input.has(JSON_OUTPUT)) return printJson(call, response)
    const { total, databases, revocation_feed: feed } = response
    const byGrant = Object.entries(total.tokens).map(([grant, count]) => ({
      title: `Tokens (${grant})`,
      show: () => showValue(count),
    }))
    terminal.print(formatItem({ ...response, ...total }, [...TIMES, ...byGrant, ...COUNTS]))
    for (const { name } of databases.filter((database) => database.nearly_full)) {
      terminal.say(`The database ${name} is nearly full: see docs/cost.md.`)
    }
    if (feed !== null && feed.merged.length > 0)
      terminal.say('Entries of the revocation feed were merged: see docs/sessions.md.')
  },
}

export const STATISTICS_COMMANDS: readonly Command[] = [statistics]
