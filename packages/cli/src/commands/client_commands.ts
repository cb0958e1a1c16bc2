import { randomUUID } from 'node:crypto'
import { asItem, asItems, type Item } from '../api/admin_api.ts'
import { countLiveSessions } from '../api/live_sessions.ts'
import { DRAFT_FIELDS, EDIT_FIELDS } from '../api/record_fields.ts'
import type { ClientDraft, ClientEdit } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { compact } from '../core/compact.ts'
import { UsageError } from '../core/exit_code.ts'
import { YES } from '../core/input.ts'
import { choices, flag, text, time, truth } from '../core/option.ts'
import type { Column } from '../core/table.ts'
import { IF_MATCH, readBefore, readVersioned } from './change.ts'
import { printNewClient, printNewSecret } from './new_secret.ts'
import {
  LIST_OPTIONS,
  lastUse,
  member,
  moment,
  printDone,
  printItem,
  printList,
  STATE,
  showLastUse,
  showTime,
  textOf,
} from './output.ts'
import { ASKS_FOR_PASSWORD, GAINS_POWER, HAS_ADMIN_POWER } from './own_password.ts'
import { toOption, toOptionName } from './record_options.ts'

/** Draft fields that `clients create` takes as an argument or as a flag of another name. */
const NO_OPTION = ['client_id', 'confidential', 'enabled']
const DRAFT_OPTIONS = DRAFT_FIELDS.filter(({ name }) => !NO_OPTION.includes(name)).map((field) =>
  toOption(field, field.isRequired),
)
const EDIT_OPTIONS = EDIT_FIELDS.map((field) => toOption(field))
const CLEARABLE = EDIT_FIELDS.filter(({ isNullable }) => isNullable).map(({ name }) => name)
const CLEAR = choices(
  'clear',
  `Reset these fields to their defaults: ${CLEARABLE.map(toOptionName).join(', ')}`,
  CLEARABLE.map(toOptionName),
)
const PUBLIC = flag('public', 'Create a public client without a secret, such as a web page or an app')
const DISABLED = flag('disabled', 'Create the client disabled')
const API = text('api', 'Only clients of this API', { field: 'api' })
const QUERY = text('search', 'Part of the id or the name', { value: 'TEXT', field: 'q' })
const ENABLED = truth('enabled', 'Only enabled or only disabled clients', { field: 'enabled' })
const WHEN = time('at', 'The time at which the secret expires. Default: now')

const FOR_ADMIN_POWER = `If the client ${HAS_ADMIN_POWER}, ${ASKS_FOR_PASSWORD}`

const CLIENT = { name: 'CLIENT', summary: 'Client id' }

const KIND: Column<Item> = {
  title: 'Kind',
  show: (client) => (client.confidential === true ? 'confidential' : 'public'),
}
const COLUMNS: readonly Column<Item>[] = [
  member('Client', 'client_id'),
  member('Name', 'name'),
  member('API', 'api'),
  member('Grants', 'grants'),
  KIND,
  STATE,
  lastUse('Last used', 'last_used_at'),
]
/** An image is too long for a terminal. `--json` shows it. */
const LOGO: Column<Item> = {
  title: 'Logo',
  show: ({ logo_uri: logo }) => {
    const [type, data] = String(logo ?? '–').split(';base64,')
    return data === undefined ? String(type) : `${type} (${data.length} characters in base64)`
  },
}
/** The names of the public keys. `--json` shows the keys. */
const KEYS: Column<Item> = {
  title: 'Public keys',
  show: ({ jwks }) =>
    asItems(asItem(jwks).keys)
      .map((key) => [textOf(key, 'kty'), textOf(key, 'kid')].filter(Boolean).join(' '))
      .join(', ') || '–',
}
/** The columns of fields whose value is not shown as it is. */
const OWN_COLUMNS: Readonly<Record<string, Column<Item>>> = {
  confidential: KIND,
  enabled: STATE,
  logo_uri: LOGO,
  jwks: KEYS,
}
const MEMBERS: readonly Column<Item>[] = [
  ...DRAFT_FIELDS.map(({ name, title }) => OWN_COLUMNS[name] ?? member(title, name)),
  { title: 'Secrets', show: (client) => asItems(client.secrets).map(formatSecret).join('; ') || '–' },
  moment('Created', 'created_at'),
  moment('Changed', 'updated_at'),
  lastUse('Last used', 'last_used_at'),
]

const listClients: Command = {
  name: 'clients list',
  summary: 'List clients in the order of their ids',
  options: [QUERY, API, ENABLED, ...LIST_OPTIONS],
  operations: ['GET /clients'],
  async run(call) {
    const { query } = call.input
    await printList(call, { operation: 'GET /clients', query }, { shown: COLUMNS, more: MEMBERS })
  },
}

const showClient: Command = {
  name: 'clients show',
  summary: 'Show a client, the ids of its secrets and their last use',
  arguments: [CLIENT],
  operations: ['GET /clients/{client_id}'],
  async run(call) {
    const { item, etag } = await readVersioned(call, {
      operation: 'GET /clients/{client_id}',
      path: pathOf(call),
    })
    printItem(call, item, MEMBERS)
    call.terminal.say(`Version ${etag}, for --if-match.`)
  },
}

const createClient: Command = {
  name: 'clients create',
  summary: 'Create a client and print its secret once',
  details:
    'The client is confidential and has a secret. With --public, --jwks or --jwks-uri, it has no secret. ' +
    'Standard output contains only the secret. Standard error contains the client id and the token URL. ' +
    FOR_ADMIN_POWER,
  arguments: [{ name: 'CLIENT', summary: 'Client id: 1 to 64 letters, digits, ".", "_" or "-"' }],
  options: [...DRAFT_OPTIONS, PUBLIC, DISABLED],
  operations: ['POST /clients'],
  async run(call) {
    const { input, api } = call
    const body = {
      ...input.fieldsOf<Omit<ClientDraft, 'client_id'>>(),
      client_id: input.argument('CLIENT'),
      confidential: !input.has(PUBLIC),
      enabled: !input.has(DISABLED),
    }
    const client = await api.read({ operation: 'POST /clients', body, idempotencyKey: randomUUID() })
    printNewClient(call, client)
  },
}

const updateClient: Command = {
  name: 'clients update',
  summary: 'Change the given fields of a client',
  details:
    'A list replaces the previous list. --scopes "" makes the list empty. ' +
    `If the client ${HAS_ADMIN_POWER} and ${GAINS_POWER}, ${ASKS_FOR_PASSWORD}`,
  arguments: [CLIENT],
  options: [...EDIT_OPTIONS, CLEAR, IF_MATCH],
  operations: ['GET /clients/{client_id}', 'PATCH /clients/{client_id}'],
  async run(call) {
    const fields = call.input.fieldsOf<ClientEdit>()
    const cleared = CLEARABLE.filter((name) => call.input.get(CLEAR)?.includes(toOptionName(name)))
    const both = cleared.find((name) => name in fields)
    if (both !== undefined)
      throw new UsageError(`--${toOptionName(both)} and --clear cannot be used together`)
    const body: ClientEdit = { ...fields, ...Object.fromEntries(cleared.map((name) => [name, null])) }
    if (Object.keys(body).length === 0) throw new UsageError('no field to change is given')
    const path = pathOf(call)
    const { etag } = await readVersioned(call, { operation: 'GET /clients/{client_id}', path })
    const client = await call.api.read({ operation: 'PATCH /clients/{client_id}', path, body, etag })
    printDone(call, client, `Saved the client ${client.client_id}.`)
  },
}

const enableClient: Command = {
  name: 'clients enable',
  summary: 'Enable a client. Earlier tokens stay revoked',
  details: FOR_ADMIN_POWER,
  arguments: [CLIENT],
  operations: ['GET /clients/{client_id}', 'POST /clients/{client_id}/enable'],
  async run(call) {
    const path = pathOf(call)
    const before = await readBefore(() => call.api.read({ operation: 'GET /clients/{client_id}', path }))
    const client = await call.api.read({ operation: 'POST /clients/{client_id}/enable', path })
    const id = path.client_id
    printDone(
      call,
      client,
      before?.enabled ? `The client ${id} is already enabled.` : `Enabled the client ${id}.`,
    )
  },
}

const disableClient: Command = {
  name: 'clients disable',
  summary: 'Disable a client and revoke all its tokens',
  arguments: [CLIENT],
  operations: ['GET /clients/{client_id}', 'GET /sessions', 'POST /clients/{client_id}/disable'],
  async run(call) {
    const path = pathOf(call)
    const before = await readBefore(() => call.api.read({ operation: 'GET /clients/{client_id}', path }))
    await revokeTokens(call, 'disable', (client) =>
      before?.enabled === false ? `The ${client} is already disabled` : `Disabled the ${client}`,
    )
  },
}

const signOutClient: Command = {
  name: 'clients sign-out',
  summary: 'Revoke all tokens of a client. The client can request new tokens',
  arguments: [CLIENT],
  operations: ['GET /sessions', 'POST /clients/{client_id}/sign-out'],
  run: (call) => revokeTokens(call, 'sign-out', (client) => `Signed out the ${client}`),
}

const addSecret: Command = {
  name: 'clients add-secret',
  summary: 'Add a second secret and print it once',
  details: FOR_ADMIN_POWER,
  arguments: [CLIENT],
  operations: ['GET /clients/{client_id}', 'POST /clients/{client_id}/secrets'],
  async run(call) {
    const path = pathOf(call)
    const { secrets } = await call.api.read({ operation: 'GET /clients/{client_id}', path })
    const operation = 'POST /clients/{client_id}/secrets'
    const client = await call.api.read({ operation, path, idempotencyKey: randomUUID() })
    printNewSecret(call, client, secrets)
  },
}

const retireSecret: Command = {
  name: 'clients retire-secret',
  summary: 'Retire a secret now or at a given time',
  arguments: [CLIENT, { name: 'SECRET_ID', summary: 'Secret id, from "clients show"' }],
  options: [WHEN, YES],
  operations: ['POST /clients/{client_id}/secrets/{secret_id}/retire'],
  async run(call) {
    const { input, terminal, api } = call
    const secretId = input.argument('SECRET_ID')
    await api.requireRole('POST /clients/{client_id}/secrets/{secret_id}/retire')
    await terminal.confirm(`Retire the secret ${secretId} of ${input.argument('CLIENT')}?`, input.has(YES))
    const client = await api.read({
      operation: 'POST /clients/{client_id}/secrets/{secret_id}/retire',
      path: { ...pathOf(call), secret_id: secretId },
      body: compact({ expires_at: input.get(WHEN) }),
    })
    const when = input.has(WHEN) ? `: it expires ${showTime(input.get(WHEN))}` : ''
    printDone(call, client, `Retired the secret ${secretId} of ${client.client_id}${when}.`)
  },
}

const deleteClient: Command = {
  name: 'clients delete',
  summary: 'Delete a client with its secrets and revoke all its tokens',
  arguments: [CLIENT],
  options: [YES, IF_MATCH],
  operations: ['GET /clients/{client_id}', 'GET /sessions', 'DELETE /clients/{client_id}'],
  async run(call) {
    const { input, terminal, api } = call
    await api.requireRole('DELETE /clients/{client_id}')
    const path = pathOf(call)
    const { etag } = await readVersioned(call, { operation: 'GET /clients/{client_id}', path })
    const { text: sessions } = await countLiveSessions(api, path)
    await terminal.confirm(`Delete the client ${path.client_id} and end ${sessions}?`, input.has(YES))
    await api.ask({ operation: 'DELETE /clients/{client_id}', path, etag })
    terminal.say(`Deleted the client ${path.client_id}: ${sessions} ended.`)
  },
}

export const CLIENT_COMMANDS: readonly Command[] = [
  listClients,
  showClient,
  createClient,
  updateClient,
  enableClient,
  disableClient,
  signOutClient,
  addSecret,
  retireSecret,
  deleteClient,
]

function pathOf({ input }: Call) {
  return { client_id: input.argument('CLIENT') }
}

async function revokeTokens(
  call: Call,
  action: 'disable' | 'sign-out',
  describe: (client: string) => string,
): Promise<void> {
  const path = pathOf(call)
  const { text: ended } = await countLiveSessions(call.api, path)
  const client = await call.api.read({ operation: `POST /clients/{client_id}/${action}` as const, path })
  printDone(call, client, `${describe(`client ${path.client_id}`)}: ${ended} ended.`)
}

function formatSecret(secret: Item): string {
  const end = secret.expires_at === null ? '' : `, ends ${showTime(secret.expires_at)}`
  const use = secret.last_used_at === null ? 'not used yet' : `used ${showLastUse(secret.last_used_at)}`
  return `${textOf(secret, 'secret_id')} (made ${showTime(secret.created_at)}, ${use}${end})`
}
