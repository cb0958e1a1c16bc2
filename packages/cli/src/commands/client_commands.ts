import { asItem, asItems, at, type Item } from '../api/admin_api.ts'
import type { Call, Command } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { flag, lifetime, list, text, time, truth } from '../core/option.ts'
import type { Column } from '../core/table.ts'
import { IF_MATCH, readVersioned, update } from './change.ts'
import {
  formatItem,
  LIST_OPTIONS,
  limitOf,
  member,
  moment,
  printItem,
  printJson,
  printPage,
  showTime,
  textOf,
} from './output.ts'

const API = text('api', 'The API that its tokens are for; a client has one', { field: 'api' })
const GRANTS = list('grants', 'What it may ask for: password, client_credentials', { field: 'grants' })
const NAME = text('name', 'What people call it', { field: 'name' })
const SCOPES = list('scopes', 'The scopes that it may have', { field: 'scopes' })
const ORIGINS = list('origins', 'The exact origins of its pages, for CORS', { field: 'origins' })
const ACCESS = lifetime('access-token-lifetime', 'Of its access tokens; "default" for that of the API', {
  field: 'access_token_lifetime',
})
const REFRESH = lifetime('refresh-token-lifetime', 'Of its refresh tokens; "default" for that of the API', {
  field: 'refresh_token_lifetime',
})
const EDITABLE = [NAME, GRANTS, SCOPES, ORIGINS, ACCESS, REFRESH]
const PUBLIC = flag('public', 'A client that can keep no secret, such as a page or an app, and gets none')
const DISABLED = flag('disabled', 'It begins disabled')
const QUERY = text('search', 'A part of the id or the name', { value: 'TEXT', field: 'q' })
const ENABLED = truth('enabled', 'Only those that are, or are not', { field: 'enabled' })
const WHEN = time('at', 'When it ends; now where absent')

const CLIENT = { name: 'CLIENT', summary: 'The client_id' }

const COLUMNS = [
  member('Client', 'client_id'),
  member('Name', 'name'),
  member('API', 'api'),
  member('Grants', 'grants'),
  { title: 'Kind', show: (client: Item) => (client.confidential === true ? 'confidential' : 'public') },
  member('Enabled', 'enabled'),
  moment('Last used', 'last_used_at'),
]
const MEMBERS: readonly Column<Item>[] = [
  ...COLUMNS.slice(0, 5),
  member('Scopes', 'scopes'),
  member('Origins', 'origins'),
  member('Enabled', 'enabled'),
  member('Access token lifetime', 'access_token_lifetime'),
  member('Refresh token lifetime', 'refresh_token_lifetime'),
  { title: 'Secrets', show: (client) => asItems(client.secrets).map(formatSecret).join('; ') || '–' },
  moment('Created', 'created_at'),
  moment('Changed', 'updated_at'),
  moment('Last used', 'last_used_at'),
]

const listClients: Command = {
  name: 'clients list',
  summary: 'Clients by their ids',
  options: [QUERY, API, ENABLED, ...LIST_OPTIONS],
  operations: ['GET /clients'],
  async run(call) {
    const { query } = call.input
    printPage(call, await call.api.list({ operation: 'GET /clients', query }, limitOf(call)), COLUMNS)
  },
}

const showClient: Command = {
  name: 'clients show',
  summary: 'One client, its secrets by their ids, and when they were last used',
  arguments: [CLIENT],
  operations: ['GET /clients/{client_id}'],
  async run(call) {
    const { item, etag } = await readVersioned(call, pathOf(call))
    printItem(call, item, MEMBERS)
    call.terminal.say(`Version ${etag}, for --if-match.`)
  },
}

const createClient: Command = {
  name: 'clients create',
  summary: 'A new client; its secret is printed once, alone on standard output',
  details:
    'Without --public it is confidential and gets a secret. Only what is on standard output is the secret.',
  arguments: [{ name: 'CLIENT', summary: 'Its client_id: 1 to 64 letters, digits, ".", "_" or "-"' }],
  options: [API, ...EDITABLE, PUBLIC, DISABLED],
  operations: ['POST /clients'],
  async run(call) {
    const { input, api } = call
    input.require(API)
    input.require(GRANTS)
    const body = {
      client_id: input.argument('CLIENT'),
      ...input.fields,
      confidential: !input.has(PUBLIC),
      enabled: !input.has(DISABLED),
    }
    printWithSecret(call, await api.read({ operation: 'POST /clients', body }))
  },
}

const updateClient: Command = {
  name: 'clients update',
  summary: 'Changes what is given and leaves the rest',
  details: 'A list replaces the whole list; --scopes "" empties it.',
  arguments: [CLIENT],
  options: [...EDITABLE, IF_MATCH],
  operations: ['GET /clients/{client_id}', 'PATCH /clients/{client_id}'],
  async run(call) {
    const edit = call.input.fields
    if (Object.keys(edit).length === 0) throw new UsageError('nothing to change is given')
    printItem(call, asItem((await update(call, pathOf(call), () => edit)).body), MEMBERS)
  },
}

const enableClient: Command = {
  name: 'clients enable',
  summary: 'Lets it ask for tokens again; those from before stay dead',
  arguments: [CLIENT],
  operations: ['POST /clients/{client_id}/enable'],
  run: (call) => changeStanding(call, 'enable'),
}

const disableClient: Command = {
  name: 'clients disable',
  summary: 'Refuses it everywhere, and ends every token that was issued to it',
  arguments: [CLIENT],
  operations: ['POST /clients/{client_id}/disable'],
  run: (call) => changeStanding(call, 'disable'),
}

const signOutClient: Command = {
  name: 'clients sign-out',
  summary: 'Ends every token that was issued to it; it can ask for new ones',
  arguments: [CLIENT],
  operations: ['POST /clients/{client_id}/sign-out'],
  run: (call) => changeStanding(call, 'sign-out'),
}

const addSecret: Command = {
  name: 'clients add-secret',
  summary: 'A second secret beside the live one, printed once, alone on standard output',
  arguments: [CLIENT],
  operations: ['POST /clients/{client_id}/secrets'],
  async run(call) {
    printWithSecret(call, await call.api.read({ operation: `POST ${pathOf(call)}/secrets` }))
  },
}

const retireSecret: Command = {
  name: 'clients retire-secret',
  summary: 'Ends a secret, now or at a later moment',
  arguments: [CLIENT, { name: 'SECRET_ID', summary: 'As "clients show" names it' }],
  options: [WHEN, YES],
  operations: ['POST /clients/{client_id}/secrets/{secret_id}/retire'],
  async run(call) {
    const { input, terminal, api } = call
    const secretId = input.argument('SECRET_ID')
    const expiresAt = input.get(WHEN)
    await terminal.confirm(`End the secret ${secretId} of ${input.argument('CLIENT')}?`, input.has(YES))
    const operation = `POST ${pathOf(call)}${at('/secrets/{}/retire', secretId)}`
    printItem(
      call,
      await api.read({ operation, body: expiresAt === undefined ? {} : { expires_at: expiresAt } }),
      MEMBERS,
    )
  },
}

const deleteClient: Command = {
  name: 'clients delete',
  summary: 'Removes it with its secrets, and ends every token that was issued to it',
  arguments: [CLIENT],
  options: [YES, IF_MATCH],
  operations: ['GET /clients/{client_id}', 'DELETE /clients/{client_id}'],
  async run(call) {
    const { input, terminal, api } = call
    const { etag } = await readVersioned(call, pathOf(call))
    await terminal.confirm(`Delete the client ${input.argument('CLIENT')}?`, input.has(YES))
    await api.ask({ operation: `DELETE ${pathOf(call)}`, etag })
    terminal.say(`The client ${input.argument('CLIENT')} is deleted.`)
  },
}

export const CLIENT_COMMANDS: readonly Command[] = [
  ...[listClients, showClient, createClient, updateClient, enableClient, disableClient, signOutClient],
  ...[addSecret, retireSecret, deleteClient],
]

function pathOf({ input }: Call): string {
  return at('/clients/{}', input.argument('CLIENT'))
}

async function changeStanding(call: Call, action: string): Promise<void> {
  printItem(call, await call.api.read({ operation: `POST ${pathOf(call)}/${action}` }), MEMBERS)
}

/** The secret alone goes to stdout, so that a script can keep it. */
function printWithSecret(call: Call, client: Item): void {
  const { terminal, input } = call
  const secret = textOf(client, 'client_secret')
  if (input.has(JSON_OUTPUT)) printJson(call, client)
  else terminal.say(formatItem(client, MEMBERS))
  if (secret === '' || input.has(JSON_OUTPUT)) return
  terminal.say('Its secret, which nothing shows again:')
  terminal.print(secret)
}

function formatSecret(secret: Item): string {
  const end = secret.expires_at === null ? '' : `, ends ${showTime(secret.expires_at)}`
  const use = secret.last_used_at === null ? 'not used yet' : `used ${showTime(secret.last_used_at)}`
  return `${textOf(secret, 'secret_id')} (made ${showTime(secret.created_at)}, ${use}${end})`
}
