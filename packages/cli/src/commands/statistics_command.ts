import { asItem } from '../api/admin_api.ts'
import type { Command } from '../core/command.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { integer } from '../core/option.ts'
import { formatItem, member, memberOf, moment, printJson, showValue } from './output.ts'

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
    const total = memberOf(response, 'total')
    const tokens = asItem(total.tokens ?? {})
    const byGrant = Object.keys(tokens).map((grant) => ({
      title: `Tokens (${grant})`,
      show: () => showValue(tokens[grant]),
    }))
    terminal.print(formatItem({ ...response, ...total }, [...TIMES, ...byGrant, ...COUNTS]))
    const databases = Array.isArray(response.databases) ? response.databases.map(asItem) : []
    for (const database of databases) {
      if (database.nearly_full === true)
        terminal.say(`The database ${database.name} is nearly full: see docs/cost.md.`)
    }
    const { merged } = asItem(response.revocation_feed ?? {})
    if (Array.isArray(merged) && merged.length > 0)
      terminal.say('Entries of the revocation feed were merged: see docs/sessions.md.')
  },
}

export const STATISTICS_COMMANDS: readonly Command[] = [statistics]
