import { findMisplacedHash } from '@sallyport/formats/schemes/conversion/self_describing'
import type { Item } from '../api/admin_api.ts'
import { countLiveSessions } from '../api/live_sessions.ts'
import { PROFILE_FIELDS } from '../api/record_fields.ts'
import type { Profile } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { compact } from '../core/compact.ts'
import { UsageError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { flag, list, requiredText, text, truth } from '../core/option.ts'
import type { Column } from '../core/table.ts'
import { IF_MATCH, readVersioned } from './change.ts'
import {
  LIST_OPTIONS,
  listPrinter,
  member,
  memberOf,
  moment,
  printDone,
  printItem,
  printList,
  STATE,
  showValue,
  VIEW_OPTIONS,
} from './output.ts'
import { USER_ACTIONS } from './user_action_commands.ts'
import { CONFIRMED_ADMINS, FIND, findPath, POOL, USER } from './user_argument.ts'

const NEW_POOL = text('pool', 'The pool of the new user', { field: 'pool', isRequired: true })
const IN_POOL = text('pool', 'Only users in this pool', { field: 'pool' })
const QUERY = text('search', 'Part of the username, name or email', { value: 'TEXT', field: 'q' })
const ROLE = text('role', 'Only users with this role', { field: 'role' })
const ENABLED = truth('enabled', 'Only enabled or only disabled users', { field: 'enabled' })
const USERNAME = text('username', 'The new username', { field: 'username' })
const ROLES = list('roles', 'The roles of the user', { field: 'roles' })
const PROFILE = PROFILE_FIELDS.map(({ name, title, description }) => ({
  name,
  option: text(name.replaceAll('_', '-'), description),
  column: { title, show: (user: Item) => showValue(memberOf(user, 'profile')[name]) },
}))
/** The profile of an invited user. */
const INVITED_PROFILE = PROFILE.map((field) => {
  if (field.name !== 'email') return field
  return { ...field, option: requiredText({ ...field.option, summary: 'The address for the invitation' }) }
})
const optionsOf = (profile: typeof PROFILE) => profile.map(({ option }) => option)
const PROFILE_OPTIONS = optionsOf(PROFILE)
const DISABLED = flag('disabled', 'Create the user disabled')
const REQUIRE_CHANGE = flag('require-password-change', 'Require a password change at the next sign-in')

const COLUMNS = [
  member('Username', 'username'),
  member('Pool', 'pool'),
  member('Roles', 'roles'),
  { title: 'Name', show: (user: Item) => showValue(memberOf(user, 'profile').name) },
  STATE,
  member('Id', 'id'),
]
const MEMBERS: readonly Column<Item>[] = [
  member('Id', 'id'),
  ...COLUMNS.slice(0, 3),
  ...PROFILE.map(({ column }) => column),
  member('Email verified', 'email_verified'),
  member('Username warnings', 'username_warnings'),
  STATE,
  member('Must change password', 'must_change_password'),
  member('Password breached', 'password_breached'),
  moment('Deletion', 'deletion_at'),
  moment('Created', 'created_at'),
  moment('Changed', 'updated_at'),
  moment('Tokens valid from', 'tokens_valid_from'),
]

const NAME_COLUMNS = [
  ...COLUMNS.slice(0, 2),
  member('Username warnings', 'username_warnings'),
  member('Id', 'id'),
]

const listUsers: Command = {
  name: 'users list',
  summary: 'List users in the order of their pools and usernames',
  options: [QUERY, IN_POOL, ROLE, ENABLED, ...LIST_OPTIONS],
  operations: ['GET /users'],
  async run(call) {
    const { query } = call.input
    await printList(call, { operation: 'GET /users', query }, { shown: COLUMNS, more: MEMBERS })
  },
}

const checkNames: Command = {
  name: 'users check-names',
  summary: 'List usernames that sign-in refuses, or that look like another username',
  details:
    'The command reads all users and changes none of them. An earlier version can have stored a username with a character that ' +
    'sign-in now refuses. Give such a user a new username with "users update --username".',
  options: [IN_POOL, ...VIEW_OPTIONS],
  operations: ['GET /users'],
  async run(call) {
    const { query } = call.input
    const print = listPrinter(call, { shown: NAME_COLUMNS, more: MEMBERS })
    const page = await call.api.list({ operation: 'GET /users', query }, Infinity)
    const items = page.items.filter((user) => showValue(user.username_warnings) !== '–')
    if (items.length === 0 && !call.input.has(JSON_OUTPUT)) return call.terminal.say('No confusable names.')
    print({ ...page, items })
  },
}

const showUser: Command = {
  name: 'users show',
  summary: 'Show one user',
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}'],
  async run(call) {
    const { item, etag } = await readVersioned(call, {
      operation: 'GET /users/{id}',
      path: await findPath(call),
    })
    printItem(call, item, MEMBERS)
    call.terminal.say(`Version ${etag}, for --if-match.`)
  },
}

const createUser: Command = {
  name: 'users create',
  summary: 'Create a user',
  details:
    'On a terminal, the command asks for the password, without echo. Otherwise, it reads the password from the first line of ' +
    'standard input. ' +
    CONFIRMED_ADMINS,
  arguments: [{ name: 'USERNAME', summary: 'The username, unique in the pool, without regard to case' }],
  options: [NEW_POOL, ROLES, ...PROFILE_OPTIONS, DISABLED, REQUIRE_CHANGE],
  operations: ['POST /users', 'POST /me/confirm'],
  async run(call) {
    const { input, terminal, api } = call
    const username = input.argument('USERNAME')
    await api.requireRole('POST /users')
    const password = plainPassword(await terminal.readNewSecret(`Password of ${username}`))
    const body = {
      pool: input.require(NEW_POOL),
      username,
      password,
      ...compact({ roles: input.get(ROLES) }),
      profile: profileOf(call, {}),
      enabled: !input.has(DISABLED),
      must_change_password: input.has(REQUIRE_CHANGE),
    }
    const user = await api.read({ operation: 'POST /users', body })
    printDone(call, user, `Created the user ${user.username} (${user.id}) in the pool ${user.pool}.`)
  },
}

const inviteUser: Command = {
  name: 'users invite',
  summary: 'Create a user without a password and send an invitation by mail',
  details: `The command sends the mail to the address of --email. With the link in the mail, the user sets the first password. The link is valid for seven days. ${CONFIRMED_ADMINS}`,
  arguments: [{ name: 'USERNAME', summary: 'The username, unique in the pool, without regard to case' }],
  options: [NEW_POOL, ROLES, ...optionsOf(INVITED_PROFILE)],
  operations: ['POST /users/invite', 'POST /me/confirm'],
  async run(call) {
    const { input, api } = call
    const body = {
      pool: input.require(NEW_POOL),
      username: input.argument('USERNAME'),
      ...compact({ roles: input.get(ROLES) }),
      profile: profileOf(call, {}, INVITED_PROFILE),
    }
    const user = await api.read({ operation: 'POST /users/invite', body })
    printDone(call, user, `Invited ${user.username} (${user.id}) in the pool ${user.pool}.`)
  },
}

const updateUser: Command = {
  name: 'users update',
  summary: 'Change the given fields of a user',
  details:
    '--roles replaces all roles; --roles "" removes them. An empty text removes a value of the profile: --name "" removes the name. ' +
    CONFIRMED_ADMINS,
  arguments: [USER],
  options: [USERNAME, ROLES, ...PROFILE_OPTIONS, POOL, IF_MATCH],
  operations: ['GET /users/{id}', 'PATCH /users/{id}', 'POST /me/confirm'],
  async run(call) {
    const { input, api } = call
    const edit = compact({ username: input.get(USERNAME), roles: input.get(ROLES) })
    const hasProfile = PROFILE_OPTIONS.some((option) => input.has(option))
    if (!hasProfile && Object.keys(edit).length === 0) throw new UsageError('no field to change is given')
    const path = await findPath(call)
    const { item, etag } = await readVersioned(call, { operation: 'GET /users/{id}', path })
    const body = hasProfile ? { ...edit, profile: profileOf(call, item.profile) } : edit
    const user = await api.read({ operation: 'PATCH /users/{id}', path, body, etag })
    printDone(call, user, `Saved the user ${user.username}.`)
  },
}

const setPassword: Command = {
  name: 'users set-password',
  summary: 'Set a new password and end all sessions of the user',
  details:
    'On a terminal, the command asks for the new password and then for your own password, without echo. Otherwise, it reads ' +
    'the two passwords from two lines of standard input.',
  arguments: [USER],
  options: [REQUIRE_CHANGE, ...FIND],
  operations: ['GET /sessions', 'POST /users/{id}/password', 'POST /me/confirm'],
  async run(call) {
    const { input, terminal, api } = call
    await api.requireRole('POST /users/{id}/password')
    const path = await findPath(call)
    const password = plainPassword(await terminal.readNewSecret(`New password of ${input.argument('USER')}`))
    const body = { password, must_change_password: input.has(REQUIRE_CHANGE) }
    const { text: ended } = await countLiveSessions(api, { subject: path.id })
    const user = await api.read({ operation: 'POST /users/{id}/password', path, body })
    printDone(call, user, `Set a new password for ${user.username}: ${ended} ended.`)
  },
}

const deleteUser: Command = {
  name: 'users delete',
  summary:
    'Delete a user and end all sessions. The audit trail keeps the id, networks, devices and countries',
  arguments: [USER],
  options: [YES, ...FIND, IF_MATCH],
  operations: ['GET /users/{id}', 'GET /sessions', 'DELETE /users/{id}'],
  async run(call) {
    const { input, terminal, api } = call
    await api.requireRole('DELETE /users/{id}')
    const path = await findPath(call)
    const { item, etag } = await readVersioned(call, { operation: 'GET /users/{id}', path })
    const who = `${item.username} of the pool ${item.pool}`
    const { text: sessions } = await countLiveSessions(api, { subject: path.id })
    await terminal.confirm(`Delete ${who} and end ${sessions}?`, input.has(YES))
    await api.ask({ operation: 'DELETE /users/{id}', path, etag })
    terminal.say(`Deleted ${who}: ${sessions} ended.`)
  },
}

export const USER_COMMANDS: readonly Command[] = [
  listUsers,
  checkNames,
  showUser,
  createUser,
  inviteUser,
  updateUser,
  setPassword,
  ...USER_ACTIONS,
  deleteUser,
]

/** @throws UsageError for a password hash, because the server would store it as a plain password */
function plainPassword(given: string): string {
  const scheme = findMisplacedHash(given)
  if (scheme === null) return given
  throw new UsageError(`the password is a password hash (${scheme}): "import users" imports hashes`)
}

/** The profile with the given values. An empty text removes a value. */
function profileOf({ input }: Call, before: Profile, fields = PROFILE): Profile {
  const given = compact(Object.fromEntries(fields.map(({ name, option }) => [name, input.get(option)])))
  return Object.fromEntries(Object.entries({ ...before, ...given }).filter(([, value]) => value !== ''))
}
