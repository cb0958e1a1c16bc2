import { kindOf } from '@sallyport/formats/event_words'
import type { Command } from '../core/command.ts'
import { flag, text, time } from '../core/option.ts'
import { findSubject } from './find_user.ts'
import { LIST_OPTIONS, member, printList } from './output.ts'
import { EVENT_COLUMNS } from './session_columns.ts'
import { POOL } from './user_argument.ts'

const OF_USER = text('user', 'Events of this user: a username, an id (user:…) or a guest (visitor:…)', {
  value: 'USER',
})
const BY_USER = text('by', 'Events with this operator as actor: a username or an id', { value: 'USER' })
const KIND = {
  ...text(
    'kind',
    'Events of a kind: its title, such as "Failed sign-in", or its name in JSON, such as sign_in_failure',
    {
      field: 'kind',
    },
  ),
  parse: kindOf,
}
const BY_OPERATORS = flag('by-operators', 'Events by an operator or service account', {
  field: 'by_operator',
})

const MORE_COLUMNS = [
  member('Subject id', 'subject'),
  member('Client id', 'client_id'),
  member('API', 'api'),
  member('Network', 'address_prefix'),
  member('Device', 'device'),
  member('Country', 'country'),
]

const audit: Command = {
  name: 'audit',
  summary: 'List audit events, newest first',
  details: 'A time is a date (2026-11-25T10:30; local time if it has no zone) or an age (30m, 2h, 7d).',
  options: [
    OF_USER,
    POOL,
    BY_USER,
    BY_OPERATORS,
    text('client', 'Events of this client', { field: 'client_id' }),
    text('session', 'Events of this session', { value: 'SID', field: 'sid' }),
    KIND,
    text('outcome', 'Events with this outcome', { value: 'ok|refused', field: 'outcome' }),
    text('grant', 'Events of this grant, such as password, guest or refresh_token', { field: 'grant' }),
    text('api', 'Events of this API', { field: 'api' }),
    time('from', 'Events at or after this time', { field: 'from' }),
    time('to', 'Events before this time', { field: 'to' }),
    ...LIST_OPTIONS,
  ],
  operations: ['GET /audit'],
  async run(call) {
    const { input, api } = call
    const find = (who: string | undefined) =>
      who === undefined ? undefined : findSubject(api, who, input.get(POOL))
    const [subject, actor] = await Promise.all([find(input.get(OF_USER)), find(input.get(BY_USER))])
    const query = { ...input.query, subject, actor }
    const view = { shown: EVENT_COLUMNS, more: MORE_COLUMNS }
    await printList(call, { operation: 'GET /audit', query }, view)
  },
}

export const AUDIT_COMMANDS: readonly Command[] = [audit]
