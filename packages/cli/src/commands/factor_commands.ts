import type { Item } from '../api/admin_api.ts'
import { countLiveSessions } from '../api/live_sessions.ts'
import type { Command } from '../core/command.ts'
import { YES } from '../core/input.ts'
import type { Column } from '../core/table.ts'
import { listPrinter, member, moment, VIEW_OPTIONS } from './output.ts'
import { ASKS_FOR_PASSWORD } from './own_password.ts'
import { FIND, findPath, USER } from './user_argument.ts'

const SHOWN: readonly Column<Item>[] = [
  member('Factor', 'factor_id'),
  member('Kind', 'kind'),
  member('Name', 'name'),
  moment('Added', 'created_at'),
  moment('Last used', 'last_used_at'),
  member('Recovery codes left', 'recovery_codes_left'),
]

/** In place of the id of a factor. */
const ALL = 'all'

const factors: Command = {
  name: 'users factors',
  summary: 'List the second factors and passkeys of a user, without their secrets',
  arguments: [USER],
  options: [...VIEW_OPTIONS, ...FIND],
  operations: ['GET /users/{id}/factors'],
  async run(call) {
    const print = listPrinter(call, { shown: SHOWN })
    const path = await findPath(call)
    print({ next_cursor: null, ...(await call.api.read({ operation: 'GET /users/{id}/factors', path })) })
  },
}

const removeFactor: Command = {
  name: 'users remove-factor',
  summary: 'Remove one factor or all factors of a user, and end all sessions',
  details:
    'If someone asks you to remove a factor, check first that this person is the user. An attacker who knows the password can ask for the same. ' +
    `If you are an admin and the user is an operator, ${ASKS_FOR_PASSWORD}`,
  arguments: [
    USER,
    {
      name: 'FACTOR',
      summary: `The id of a factor, from "users factors", such as totp, or "${ALL}" for all factors`,
    },
  ],
  options: [YES, ...FIND],
  operations: [
    'GET /sessions',
    'DELETE /users/{id}/factors/{factor_id}',
    'DELETE /users/{id}/factors',
    'POST /me/confirm',
  ],
  async run(call) {
    const { input, api, terminal } = call
    const factor = input.argument('FACTOR')
    const path = await findPath(call)
    const what = `${factor === ALL ? 'all factors' : `the factor ${factor}`} of ${input.argument('USER')}`
    const { text: sessions } = await countLiveSessions(api, { subject: path.id })
    await terminal.confirm(`Remove ${what} and end ${sessions}?`, input.has(YES))
    if (factor === ALL) await api.ask({ operation: 'DELETE /users/{id}/factors', path })
    else
      await api.ask({
        operation: 'DELETE /users/{id}/factors/{factor_id}',
        path: { ...path, factor_id: factor },
      })
    terminal.say(`Removed ${what}: ${sessions} ended.`)
  },
}

export const FACTOR_COMMANDS: readonly Command[] = [factors, removeFactor]
