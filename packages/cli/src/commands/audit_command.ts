import type { Command } from '../core/command.ts'
import { flag, text, time } from '../core/option.ts'
import { findSubject } from './find_user.ts'
import { LIST_OPTIONS, limitOf, printPage } from './output.ts'
import { EVENT_COLUMNS } from './session_columns.ts'
import { POOL } from './user_commands.ts'

const OF_USER = text('user', 'About this person: a username, an id (user:…) or a guest (visitor:…)', {
  value: 'USER',
})
const BY_USER = text('by', 'Done by this operator: a username or an id', { value: 'USER' })
const BY_OPERATORS = flag('by-operators', 'Done by any operator', { field: 'by_operator' })

const audit: Command = {
  name: 'audit',
  summary: 'What happened, newest first',
  details: 'A time is a date, local where it names no zone (2026-11-25T10:30), or an age (30m, 2h, 7d).',
  options: [
    ...[OF_USER, POOL, BY_USER, BY_OPERATORS],
    text('client', 'About this client', { field: 'client_id' }),
    text('session', 'About this session', { value: 'SID', field: 'sid' }),
    text('kind', 'Of this kind, such as issue, theft or admin', { field: 'kind' }),
    text('outcome', 'With this outcome', { value: 'ok|refused', field: 'outcome' }),
    text('api', 'On this API', { field: 'api' }),
    time('from', 'From then on', { field: 'from' }),
    time('to', 'Before then', { field: 'to' }),
    ...LIST_OPTIONS,
  ],
  operations: ['GET /audit'],
  async run(call) {
    const { input, api } = call
    const find = (who: string | undefined) =>
      who === undefined ? undefined : findSubject(api, who, input.get(POOL))
    const [subject, actor] = await Promise.all([find(input.get(OF_USER)), find(input.get(BY_USER))])
    const query = { ...input.query, subject, actor }
    printPage(call, await api.list({ operation: 'GET /audit', query }, limitOf(call)), EVENT_COLUMNS)
  },
}

export const AUDIT_COMMANDS: readonly Command[] = [audit]
