import * as z from 'zod/mini'
import { isConfidential, needsSecret } from '../clients/client.ts'
import type { ClientSort } from '../clients/client_list_store.ts'
import type { ClientRecord } from '../clients/client_record.ts'
import { findClientProblems } from '../clients/client_rules.ts'
import { hashSecret } from '../clients/client_secret.ts'
import { fromDraft, fromEdit, fromUnchecked } from '../clients/client_values.ts'
import { compact } from '../lib/compact.ts'
import { flag, text } from '../lib/input_schemas.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import { adminEvent, requireChanged } from './change.ts'
import { FOR_POWER, gainsAdminPower, hasAdminPower } from './client_power.ts'
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
import { createSecretOnce, type MadeSecret } from './idempotency.ts'
import { requireConfigured } from './known_values.ts'
import {
  type Call,
  type ConfirmationRule,
  type Operation,
  type OperationResult,
  operation,
} from './operation.ts'
import { type ListOrders, readPage, showPage, sortParameter } from './paging.ts'
import { requirePermission } from './permissions.ts'
import { notFound, Problem, stale } from './problem.ts'
import { formatEtag } from './read_input.ts'
import { renewCopies, tryToRenewCopies } from './renew_copies.ts'
import { paging } from './schemas.ts'

const PATH = '/clients/{client_id}'

const ORDERS: ListOrders<ClientRecord, ClientSort> = {
  id: { placeOf: ({ id }) => [id], place: z.tuple([z.string()]) },
  name: { placeOf: ({ name, id }) => [name, id], place: z.tuple([z.string(), z.string()]) },
  created: { placeOf: ({ createdAt, id }) => [createdAt, id], place: z.tuple([z.int(), z.string()]) },
}

/** For an operation that enables a stored client or gives it a new secret, so that its power can be used again or by someone else. */
export const FOR_STORED_POWER: ConfirmationRule<unknown, unknown> = {
  when: FOR_POWER,
  isNeeded: async (call) => hasAdminPower(await requireClient(idOf(call), call), call.services.config),
}

const listClients = operation({
  id: 'listClients',
  method: 'GET',
  path: '/clients',
  summary: 'Lists clients; `q` is part of an id or a name, `api` is the own API or an additional one',
  tag: 'clients',
  role: 'support',
  scope: 'clients:read',
  query: z.strictObject({
    ...paging,
    sort: sortParameter(['id', 'name', 'created']),
    q: z.optional(text(200)),
    api: z.optional(text(64)),
    enabled: z.optional(flag),
  }),
  status: 200,
  response: clientsSchema,
  async handle({ query, services }) {
    requireConfigured(query, services.config)
    const { q = null, api = null, enabled = null } = query
    const { page, total: known } = readPage(query, ORDERS, 'id')
    const { slice, total } = await services.clientList.list({ text: q, api, enabled }, page, known)
    return { body: showPage(slice, { page, total }, { ...ORDERS[page.sort], show: showClient }) }
  },
})

const createClient = operation({
  id: 'createClient',
  method: 'POST',
  path: '/clients',
  summary: 'Creates a client; only this response has its secret',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  body: draftSchema,
  findMoreProblems: (body, { services }) => findClientProblems(fromUnchecked(body), services.config),
  isIdempotent: true,
  confirmation: {
    when: FOR_POWER,
    isNeeded: ({ body, services }) => hasAdminPower(body, services.config),
  },
  status: 201,
  response: clientWithSecretSchema,
  async handle(call) {
    const { body, services, context } = call
    const client = fromDraft(body)
    requirePermission(client, call)
    checkClient(client, services.config)
    const change = { operation: 'createClient', to: valuesOf(body) }
    const event = adminEvent(call, 'the client was created', { api: client.api, clientId: client.id, change })
    const respond = async (made: MadeSecret) => ({
      ...showWithSecret(await requireClient(client.id, call), made),
      location: `/clients/${client.id}`,
    })
    return createSecretOnce(
      call,
      { operation: 'createClient', body },
      {
        async create(made, alongside) {
          const stored = needsSecret(client) ? await hashSecret(made) : null
          const start = { secret: stored, now: context.now }
          const statements = [...alongside, services.audit.additionIfChanged(event, context)]
          await services.clientAdmin.add(client, start, statements)
          await tryToRenewCopies(client.id, call)
          return respond(made)
        },
        repeat: respond,
      },
    )
  },
})

const readClient = operation({
  id: 'readClient',
  method: 'GET',
  path: PATH,
  summary: 'Returns a client, with the last use of each secret',
  tag: 'clients',
  role: 'support',
  scope: 'clients:read',
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
  scope: 'clients:write',
  needsVersion: true,
  body: editSchema,
  async findMoreProblems(body, call) {
    const before = await requireClient(idOf(call), call)
    const confidential = isConfidential(before)
    return findClientProblems(fromUnchecked(body, { ...before, confidential }), call.services.config)
  },
  confirmation: {
    when: FOR_POWER,
    async isNeeded(call) {
      const before = await requireClient(idOf(call), call)
      return gainsAdminPower(before, { ...before, ...compact(fromEdit(call.body)) }, call.services.config)
    },
  },
  status: 200,
  response: clientSchema,
  async handle(call) {
    const { body, services, context, versions } = call
    const before = await requireClient(idOf(call), call)
    requirePermission(before, call)
    if (isDocumentUrl(before.id))
      throw new Problem('conflict', { detail: 'The document of the client decides its values.' })
    if (versions !== null && !versions.includes(before.version)) throw stale(formatEtag(before.version))
    const { id, api } = before
    const edit = fromEdit(body)
    const after = { ...before, ...compact(edit), confidential: isConfidential(before) }
    checkClient(after, services.config)
    const change = { operation: 'updateClient', ...differencesOf(showClient(before), body) }
    const event = adminEvent(call, 'the client was changed', { api, clientId: id, change })
    const conditions = { versions: [before.version], now: context.now }
    const leavesFixed = before.refreshPolicy === 'fixed' && after.refreshPolicy !== 'fixed'
    const reason = leavesFixed ? 'the client left the refresh policy fixed' : 'the client lost a right'
    const revocation = { reason, edit, conditions, event }
    // The users of these sessions gave no consent, which a third-party client needs.
    const endsSessions = before.isFirstParty && !after.isFirstParty
    const outcome = endsSessions
      ? await services.clientSignOut.end(id, revocation, context)
      : leavesFixed || losesRights(before, after)
        ? await services.clientSignOut.reduce(id, revocation, context)
        : await services.clientAdmin.change(id, edit, conditions, [
            services.audit.additionIfChanged(event, context),
          ])
    const record = requireChanged(outcome, 'client', unexpected)
    await renewCopies(id, call)
    return show(record)
  },
})

type ClientRights = Pick<ClientRecord, 'scopes' | 'grants' | 'additionalApis'>

export const CLIENT_OPERATIONS: readonly Operation[] = [listClients, createClient, readClient, updateClient]

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

/**
 * A client with a secret that it has, for the only responses that contain one. A public client and a client with keys have none.
 *
 * @throws Problem 409 if the client no longer has the secret
 */
export function showWithSecret(
  client: ClientRecord,
  { id, secret }: MadeSecret,
): OperationResult<z.output<typeof clientWithSecretSchema>> {
  const { version } = client
  if (client.authentication.method !== 'client_secret')
    return { body: { ...showClient(client), client_secret: null }, version }
  if (client.authentication.secrets.every((known) => known.id !== id)) {
    throw new Problem('conflict', {
      detail: 'The client no longer has the secret that this request created.',
    })
  }
  return { body: { ...showClient(client), client_secret: secret }, version }
}

/** The problem of a refusal that should never happen. */
export function unexpected(): Problem {
  return new Problem('conflict')
}

/**
 * Whether an edit removes a right that an access token can have. A token does not depend on the redirect URIs: only new sign-ins use
 * them.
 */
function losesRights(before: ClientRights, after: ClientRights): boolean {
  const lists = ['scopes', 'grants', 'additionalApis'] as const
  return lists.some((list) => lacksSome(after[list], before[list]))
}

function lacksSome(names: readonly string[], before: readonly string[]): boolean {
  return before.some((name) => !names.includes(name))
}

const NOT_AUDITED: readonly string[] = ['name', 'client_id', 'logo_uri']

/** The given fields as details of the audit event, without names and without the image. */
export function valuesOf(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !NOT_AUDITED.includes(field)))
}

function differencesOf(before: ShownClient, body: ClientEditBody) {
  const old = Object.entries(before).filter(([field]) => field in body)
  return { fields: Object.keys(body), from: valuesOf(Object.fromEntries(old)), to: valuesOf(body) }
}
