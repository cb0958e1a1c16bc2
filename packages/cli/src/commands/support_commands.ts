import { wordOfState } from '@sallyport/formats/session_ending'
import type { Item } from '../api/admin_api.ts'
import type { SearchResults, UserSupport } from '../api/schemas.ts'
import type { Command } from '../core/command.ts'
import type { Column } from '../core/table.ts'
import { listPrinter, member, moment, printDone, printItem, textOf, VIEW_OPTIONS } from './output.ts'
import { FIND, findPath, USER } from './user_argument.ts'

const FACTS: readonly Column<Item>[] = [
  moment('Last sign-in', 'last_sign_in_at'),
  member('Failed sign-ins today', 'failed_sign_ins_today'),
  member('Failed sign-ins since the last lock or sign-in', 'failures'),
  moment('Locked until', 'locked_until'),
  member('Live sessions', 'live_sessions'),
]

const FOUND: readonly Column<Item>[] = [
  member('Type', 'type'),
  member('Id', 'id'),
  member('Name', 'name'),
  { title: 'Detail', show: detailOf },
]

/** The pool of a user, the API of a client, or the state of a session or a key. */
function detailOf(found: Item): string {
  const detail = textOf(found, 'detail')
  return found.type === 'session' ? wordOfState(detail) : detail
}

const support: Command = {
  name: 'users support',
  summary: 'Show the last sign-in, failed sign-ins, the lock and the live sessions of a user',
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}/support'],
  async run(call) {
    printItem(
      call,
      await call.api.read({ operation: 'GET /users/{id}/support', path: await findPath(call) }),
      FACTS,
    )
  },
}

const unlock: Command = {
  name: 'users unlock',
  summary: 'Unlock the account of a user and reset its failed sign-ins',
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}/support', 'POST /users/{id}/unlock'],
  async run(call) {
    const path = await findPath(call)
    const before = await call.api.read({ operation: 'GET /users/{id}/support', path })
    const facts = await call.api.read({ operation: 'POST /users/{id}/unlock', path })
    printDone(call, facts, describeUnlock(call.input.argument('USER'), before))
  },
}

function describeUnlock(user: string, { locked_until: lockedUntil, failures }: UserSupport): string {
  if (lockedUntil !== null) return `Unlocked ${user}.`
  return `${user} was not locked. ${failures > 0 ? 'The failed sign-ins were reset.' : 'Nothing was changed.'}`
}

const search: Command = {
  name: 'search',
  summary: 'Search users, clients, sessions and signing keys',
  details: 'The command finds a signing key by at least 4 characters of the beginning of its id.',
  arguments: [
    {
      name: 'TEXT',
      summary:
        'Part of a username, name or email of a user, part of the id or name of a client, or the id of a session or key',
    },
  ],
  options: VIEW_OPTIONS,
  operations: ['GET /search'],
  async run(call) {
    const print = listPrinter(call, { shown: FOUND })
    const query = { q: call.input.argument('TEXT') }
    const found = await call.api.read({ operation: 'GET /search', query })
    print({ next_cursor: null, ...found })
    if (found.more.length > 0) call.terminal.say(describeMore(found))
  },
}

const LISTS = new Map([
  ['user', '"users list --search TEXT"'],
  ['client', '"clients list --search TEXT"'],
  ['key', '"keys list"'],
])

/** Such as `Only the first 5 users are shown: "users list --search TEXT" lists all.` */
function describeMore({ items, more }: SearchResults): string {
  const sentences = more.map((type) => {
    const count = items.filter((item) => item.type === type).length
    return `Only the first ${count} ${type}s are shown: ${LISTS.get(type)} lists all.`
  })
  return sentences.join('\n')
}

export const SUPPORT_COMMANDS: readonly Command[] = [support, unlock, search]
