import { countLiveSessions } from '../api/live_sessions.ts'
import { ProblemError } from '../api/problem.ts'
import type { AuditEvent, UserExport } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { CliError, UsageError } from '../core/exit_code.ts'
import { text } from '../core/option.ts'
import { isUserId, requireUser } from './find_user.ts'
import { printDone, printJson } from './output.ts'
import { ASKS_FOR_PASSWORD } from './own_password.ts'
import { FIND, findPath, POOL, USER } from './user_argument.ts'

const TYPED = text(
  'confirm',
  'The username, or the id of a deleted user. With this option, the command does not ask for it',
  {
    value: 'USERNAME',
  },
)

const exportUser: Command = {
  name: 'users export',
  summary: 'Export the stored data of a user as JSON, without the password hash',
  details: `To export the data, ${ASKS_FOR_PASSWORD}`,
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}/export', 'POST /me/confirm'],
  async run(call) {
    await call.api.requireRole('GET /users/{id}/export')
    const path = await findPath(call)
    const first = await readPage(call, path, null)
    const events: AuditEvent[] = [...first.events]
    let cursor = first.next_cursor
    while (cursor !== null) {
      const page = await readPage(call, path, cursor)
      events.push(...page.events)
      cursor = page.next_cursor
    }
    printJson(call, { ...first, events, next_cursor: null })
  },
}

function readPage({ api }: Call, path: { id: string }, cursor: string | null): Promise<UserExport> {
  const query = cursor === null ? {} : { cursor }
  return api.read({ operation: 'GET /users/{id}/export', path, query })
}

const eraseUser: Command = {
  name: 'users erase',
  summary: 'Erase a user: delete the account, end all sessions and remove personal data from the audit trail',
  details: `The command asks for the username again, or for the id of a deleted user. To erase the user, ${ASKS_FOR_PASSWORD}`,
  arguments: [USER],
  options: [TYPED, ...FIND],
  operations: ['GET /users/{id}', 'GET /sessions', 'POST /users/{id}/erase', 'POST /me/confirm'],
  async run(call) {
    const { api, input } = call
    await api.requireRole('POST /users/{id}/erase')
    const { id, username, who } = await findErased(call, input.argument('USER'))
    if ((await readTyped(call, { id, username, who })) !== username) {
      throw new CliError('failed', `You typed another name. Type ${username}. Nothing was done.`)
    }
    const request = { operation: 'POST /users/{id}/erase', path: { id }, body: { username } } as const
    const { text: sessions } = await countLiveSessions(api, { subject: id })
    await api.ask(request)
    const removal = 'The personal data is removed from the audit trail within minutes.'
    printDone(call, null, `Erased ${who}: ${sessions} ended. ${removal}`)
  },
}

/** The user to erase. A deleted user has the id in place of the username. */
async function findErased({ api, input }: Call, given: string) {
  try {
    const { id, username, pool } = await requireUser(api, given, input.get(POOL))
    return { id, username, who: `${username} of the pool ${pool}` }
  } catch (error) {
    const isDeleted = isUserId(given) && error instanceof ProblemError && error.status === 404
    if (!isDeleted) throw error
    return { id: given, username: given, who: `the deleted user ${given}` }
  }
}

/** The username, or the id of a deleted user, that the operator gives again. @throws UsageError without a terminal and the option */
async function readTyped(
  { input, terminal }: Call,
  { id, username, who }: Awaited<ReturnType<typeof findErased>>,
): Promise<string> {
  const given = input.get(TYPED)
  if (given !== undefined) return given
  if (!terminal.isInteractive)
    throw new UsageError(`To erase ${who}, run the command again with --confirm ${username}.`)
  return (await terminal.ask(`Erase ${who}? Type the ${username === id ? 'id' : 'username'}: `)).trim()
}

export const USER_DATA_COMMANDS: readonly Command[] = [exportUser, eraseUser]
