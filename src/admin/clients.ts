import * as z from 'zod/mini'
import { isConfidential } from '../clients/client.ts'
import type { ClientEdit } from '../clients/client_admin_store.ts'
import type { ClientRecord } from '../clients/client_record.ts'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../clients/client_secret.ts'
import { fromDraft, fromEdit } from '../clients/client_values.ts'
import { flag, text } from '../lib/input_schemas.ts'
import { adminEvent, byOperator, requireChanged, requireRemoved } from './change.ts'
import {
  type ClientEditBody,
  checkClient,
  clientSchema,
  clientsSchema,
  clientWithSecretSchema,
  draftSchema,
  editSchema,
  type ShownClient,
  showClient,
} from './client_schemas.ts'
import { type Call, type Operation, type OperationResult, operation } from './operation.ts'
import { notFound, Problem, stale } from './problem.ts'
import { formatEtag } from './read_input.ts'
import { renewCopies, tryToRenewCopies } from './renew_copies.ts'
import { DEFAULT_LIMIT, paging, parseCursor, toPage } from './schemas.ts'

const PATH = '/clients/{client_id}'

const listClients = operation({
  id: 'listClients',
  method: 'GET',
  path: '/clients',
  summary: 'Lists clients by id; `q` is part of an id or a name',
  tag: 'clients',
  role: 'support',
  query: z.strictObject({
    ...paging,
    q: z.optional(text(200)),
    api: z.optional(text(64)),
    enabled: z.optional(flag),
  }),
  status: 200,
  response: clientsSchema,
  async handle({ query, services }) {
    const { q = null, api = null, enabled = null, limit = DEFAULT_LIMIT } = query
    const after = parseCursor(z.string(), query.cursor)
    const clients = await services.clientAdmin.list({ text: q, api, enabled }, after, limit + 1)
    return { body: toPage(clients, limit, { place: ({ id }) => id, show: showClient }) }
  },
})

const createClient = operation({
  id: 'createClient',
  method: 'POST',
  path: '/clients',
  summary: 'Creates a client; only this response has its secret',
  tag: 'clients',
  role: 'admin',
  body: draftSchema,
  status: 201,
  response: clientWithSecretSchema,
  async handle(call) {
    const { body, services, context } = call
    const client = fromDraft(body)
    checkClient(client, services.config)
    const secret = client.confidential ? generateClientSecret() : null
    const stored = secret === null ? null : { id: generateSecretId(), hash: await hashClientSecret(secret) }
    const start = { secret: stored, now: context.now }
    const change = { operation: 'createClient', to: valuesOf(body) }
    const event = adminEvent(call, 'the client was created', { api: client.api, clientId: client.id, change })
    await services.clientAdmin.add(client, start, [services.audit.additionIfChanged(event, context)])
    await tryToRenewCopies(client.id, call)
    const record = await requireClient(client.id, call)
    return {
      body: { ...showClient(record), client_secret: secret },
      version: record.version,
      location: `/clients/${client.id}`,
    }
  },
})

const readClient = operation({
  id: 'readClient',
  method: 'GET',
  path: PATH,
  summary: 'Returns a client, with the last use of each secret',
  tag: 'clients',
  role: 'support',
  status: 200,
  response: clientSchema,
  async handle(call) {
    return show(await requireClient(idOf(call), call))
  },
})

const updateClient = operation({
  id: 'updateClient',
  method: 'PATCH',
  path: PATH,
  summary: 'Changes the given fields',
  tag: 'clients',
  role: 'admin',
  needsVersion: true,
  body: editSchema,
  status: 200,
  response: clientSchema,
  async handle(call) {
    const { body, services, context, versions } = call
    const before = await requireClient(idOf(call), call)
    if (versions !== null && !versions.includes(before.version)) throw stale(formatEtag(before.version))
    const { id, api } = before
    const { grants = before.grants, scopes = before.scopes } = body
    checkClient({ api, confidential: isConfidential(before), grants, scopes }, services.config)
    const change = { operation: 'updateClient', ...differencesOf(showClient(before), body) }
    const event = adminEvent(call, 'the client was changed', { api, clientId: id, change })
    const conditions = { versions: [before.version], now: context.now }
    const edit = fromEdit(body)
    const losesPower = lacksSome(scopes, before.scopes) || lacksSome(grants, before.grants)
    const revocation = { reason: 'a scope or a grant was removed', edit, conditions, event }
    const outcome = losesPower
      ? await services.signOut.reduceClient(id, revocation, context)
      : await services.clientAdmin.change(id, edit, conditions, [
          services.audit.additionIfChanged(event, context),
        ])
    const record = requireChanged(outcome, 'client', unexpected)
    await renewCopies(id, call)
    return show(record)
  },
})

const enableClient = operation({
  id: 'enableClient',
  method: 'POST',
  path: `${PATH}/enable`,
  summary: 'Enables a client; earlier tokens stay revoked',
  tag: 'clients',
  role: 'admin',
  status: 200,
  response: clientSchema,
  async handle(call) {
    const { services, context, versions } = call
    const id = idOf(call)
    const change = { operation: 'enableClient', to: { enabled: true } }
    const event = adminEvent(call, 'the client was enabled', { clientId: id, change })
    const alongside = [services.audit.additionIfChanged(event, context)]
    const conditions = { versions, now: context.now }
    const outcome = await services.clientAdmin.change(id, { enabled: true }, conditions, alongside)
    const record = requireChanged(outcome, 'client', unexpected)
    await renewCopies(id, call)
    return show(record)
  },
})

const disableClient = operation({
  id: 'disableClient',
  method: 'POST',
  path: `${PATH}/disable`,
  summary: 'Disables a client and revokes all its tokens',
  tag: 'clients',
  role: 'support',
  status: 200,
  response: clientSchema,
  handle: (call) => endTokens(call, { reason: 'the client was disabled', edit: { enabled: false } }),
})

const signOutClient = operation({
  id: 'signOutClient',
  method: 'POST',
  path: `${PATH}/sign-out`,
  summary: 'Revokes all tokens of a client; it can get new tokens',
  tag: 'clients',
  role: 'support',
  status: 200,
  response: clientSchema,
  handle: (call) => endTokens(call, { reason: "the client's tokens were ended" }),
})

const deleteClient = operation({
  id: 'deleteClient',
  method: 'DELETE',
  path: PATH,
  summary: 'Deletes a client and its secrets, and revokes all its tokens',
  tag: 'clients',
  role: 'admin',
  needsVersion: true,
  status: 204,
  async handle(call) {
    const { services, context, versions } = call
    const id = idOf(call)
    await checkOthers(id, call)
    const revocation = {
      reason: 'the client was deleted',
      conditions: { versions },
      event: byOperator(call, { operation: 'deleteClient' }),
    }
    const outcome = await services.signOut.removeClient(id, revocation, context)
    // Also if the client is deleted already, because an earlier call can have failed at the copies.
    if (outcome.kind === 'changed' || outcome.kind === 'missing') await renewCopies(id, call)
    requireRemoved(outcome, 'client', unexpected)
    return { body: undefined }
  },
})

/** The operations on clients, except their secrets. */
export const CLIENT_OPERATIONS: readonly Operation[] = [
  ...[listClients, createClient, readClient, updateClient, enableClient],
  ...[disableClient, signOutClient, deleteClient],
]

export function idOf({ params }: Call): string {
  return params.client_id ?? ''
}

/** @throws Problem 404 */
export async function requireClient(id: string, { services }: Call): Promise<ClientRecord> {
  const client = await services.clientAdmin.find(id)
  if (client === null) throw notFound('client')
  return client
}

export function show(client: ClientRecord): OperationResult<ShownClient> {
  return { body: showClient(client), version: client.version }
}

/** The problem of a refusal that cannot happen. */
export function unexpected(): Problem {
  return new Problem('conflict')
}

async function endTokens(
  call: Call,
  { reason, edit }: { reason: string; edit?: ClientEdit },
): Promise<OperationResult<ShownClient>> {
  const { services, context, versions } = call
  const id = idOf(call)
  await checkOthers(id, call)
  const change = { operation: edit ? 'disableClient' : 'signOutClient' }
  const revocation = {
    reason,
    conditions: { versions },
    event: byOperator(call, change),
    ...(edit && { edit }),
  }
  const outcome = await services.signOut.endClient(id, revocation, context)
  const record = requireChanged(outcome, 'client', unexpected)
  await renewCopies(id, call)
  return show(record)
}

/** An operator cannot lock the own client, and support cannot lock a client of operators. @throws Problem 403, 404, 409 */
async function checkOthers(id: string, call: Call): Promise<void> {
  const { operator, services } = call
  if (id === operator.clientId) {
    throw new Problem('oneself', { detail: 'You are signed in by this client.' })
  }
  if (operator.isAdmin) return
  const { api } = await requireClient(id, call)
  if (api === services.config.adminApi?.name) {
    throw new Problem('role-missing', { detail: 'Clients of the admin API take the role admin.' })
  }
}

function lacksSome(names: readonly string[], before: readonly string[]): boolean {
  return before.some((name) => !names.includes(name))
}

/** The given fields as details of the audit event, without names. */
export function valuesOf(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([field]) => field !== 'name' && field !== 'client_id'),
  )
}

function differencesOf(before: ShownClient, body: ClientEditBody) {
  const old = Object.entries(before).filter(([field]) => field in body)
  return { fields: Object.keys(body), from: valuesOf(Object.fromEntries(old)), to: valuesOf(body) }
}
