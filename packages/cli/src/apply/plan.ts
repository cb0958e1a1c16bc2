import type { AdminApi } from '../api/admin_api.ts'
import { countLiveSessions, type LiveSessions } from '../api/live_sessions.ts'
import type { Client, ClientDraft } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'
import { FILE_FIELDS, type FileClient, isRegistered } from './client_file.ts'

/** A field with its old and its new value. A new client has no old values. */
export interface FieldChange {
  field: string
  from?: unknown
  to: unknown
}

export interface Creation {
  client_id: string
  fields: readonly FieldChange[]
  draft: ClientDraft
}

export interface Change {
  client_id: string
  fields: readonly FieldChange[]
  /** The version from which the change starts. */
  etag: string
  /** The live sessions that the change ends; null if it ends none. */
  ends: LiveSessions | null
}

/** The differences between a file and the clients of a server, by client id. */
export interface Plan {
  create: readonly Creation[]
  change: readonly Change[]
  unchanged: readonly string[]
  /** Enabled clients that are not in the file. Empty without pruning. */
  disable: readonly Change[]
  /** The other clients that are not in the file. */
  notInFile: readonly string[]
}

/** A client with its version. */
export interface Versioned {
  client: Client
  etag: string
}

interface PlanOptions {
  isPruning: boolean
}

/** Compares the clients of a file with those of the server. It reads the version of each client that changes. @throws as `AdminApi.ask` */
export async function makePlan(
  api: AdminApi,
  file: readonly FileClient[],
  { isPruning }: PlanOptions,
): Promise<Plan> {
  const { items: all } = await api.list({ operation: 'GET /clients' }, Infinity)
  const items = all.filter(isRegistered)
  const known = new Map(items.map((client) => [client.client_id, client]))
  const drafts = file.map(({ draft }) => draft).toSorted(byId)
  const differing = drafts.filter((draft) => {
    const client = known.get(draft.client_id)
    return client !== undefined && compare(client, draft).length > 0
  })
  const change = await readChanges(api, differing)
  const changing = new Set(change.map(({ client_id }) => client_id))
  const named = new Set(drafts.map(({ client_id }) => client_id))
  const others = items.filter(({ client_id }) => !named.has(client_id))
  const disable = isPruning ? await readPruned(api, prunable(others, known.get(api.clientId))) : []
  const pruned = new Set(disable.map(({ client_id }) => client_id))
  return {
    create: drafts.filter(({ client_id }) => !known.has(client_id)).map(toCreation),
    change,
    unchanged: drafts.map(({ client_id }) => client_id).filter((id) => known.has(id) && !changing.has(id)),
    disable,
    notInFile: others.map(({ client_id }) => client_id).filter((id) => !pruned.has(id)),
  }
}

export function isEmpty({ create, change, disable }: Plan): boolean {
  return create.length + change.length + disable.length === 0
}

/** Whether a client has the new values of these fields. */
export function hasValues(client: Client, fields: readonly FieldChange[]): boolean {
  const values = new Map<string, unknown>(Object.entries(client))
  return fields.every(({ field, to }) => isSame(values.get(field), to))
}

/** The fields of a client that differ from those in the file. A field that the file does not have never differs. */
export function compare(client: Client, draft: ClientDraft): FieldChange[] {
  return valuesOf(draft).flatMap(({ field, to }) => {
    const from = client[field]
    return isSame(from, to) ? [] : [{ field, from, to }]
  })
}

function toCreation(draft: ClientDraft): Creation {
  return { client_id: draft.client_id, fields: valuesOf(draft), draft }
}

function valuesOf(draft: ClientDraft) {
  return FILE_FIELDS.flatMap(({ name }) => {
    // The fields come from the schema of the draft.
    const field = name as keyof ClientDraft
    return draft[field] === undefined ? [] : [{ field, to: draft[field] }]
  })
}

/** The order of a list has no meaning. */
function isSame(one: unknown, other: unknown): boolean {
  const normalize = (value: unknown) => JSON.stringify(Array.isArray(value) ? value.toSorted() : value)
  return normalize(one) === normalize(other)
}

function byId(one: { client_id: string }, other: { client_id: string }): number {
  return one.client_id < other.client_id ? -1 : 1
}

async function readChanges(api: AdminApi, drafts: readonly ClientDraft[]): Promise<Change[]> {
  const changes: Change[] = []
  for (const draft of drafts) {
    const { client, etag } = await readVersion(api, draft.client_id)
    const fields = compare(client, draft)
    if (fields.length > 0) changes.push(await toChange(api, { client_id: draft.client_id, fields, etag }))
  }
  return changes
}

/** Clients of the admin API are never pruned: the console and the command line need them. */
function prunable(others: readonly Client[], own: Client | undefined): Client[] {
  return others.filter(({ api, enabled }) => enabled && api !== own?.api)
}

async function readPruned(api: AdminApi, clients: readonly Client[]): Promise<Change[]> {
  const pruned: Change[] = []
  for (const { client_id } of clients) {
    const { etag } = await readVersion(api, client_id)
    const fields = [{ field: 'enabled', from: true, to: false }]
    pruned.push(await toChange(api, { client_id, fields, etag }))
  }
  return pruned
}

/** Only a change that disables a client ends its sessions. */
async function toChange(api: AdminApi, change: Omit<Change, 'ends'>): Promise<Change> {
  const { client_id, fields } = change
  const isDisabling = fields.some(({ field, to }) => field === 'enabled' && to === false)
  return { ...change, ends: isDisabling ? await countLiveSessions(api, { client_id }) : null }
}

/** @throws as `AdminApi.ask` */
export async function readVersion(api: AdminApi, id: string): Promise<Versioned> {
  const request = { operation: 'GET /clients/{client_id}', path: { client_id: id } } as const
  const { body: client, etag } = await api.ask(request)
  if (etag === null) throw new CliError('failed', 'The response has no version.')
  return { client, etag }
}
