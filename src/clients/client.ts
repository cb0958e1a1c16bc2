import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { CLIENT_GRANTS, type ClientGrant } from '../oauth/grant_type.ts'

/** What a client id may be: no colon, so that it can never look like a user or a visitor. */
export const CLIENT_ID = /^[A-Za-z0-9._-]{1,64}$/

/** A live or ended secret of a client. Times are Unix seconds. */
export interface ClientSecret {
  /** SHA-256 of the secret, base64url. */
  hash: string
  createdAt: number
  /** When it ends; null where it has no end. */
  expiresAt: number | null
}

/** An application that may ask for tokens of one API. */
export interface Client {
  id: string
  name: string
  api: string
  grants: ClientGrant[]
  scopes: string[]
  /** Browser origins that may read answers given to this client. */
  origins: string[]
  /** False for a public client, which has no secret (RFC 6749 §2.1). */
  confidential: boolean
  enabled: boolean
  secrets: ClientSecret[]
  createdAt: number
  /** Seconds, where shorter than those of the API; null for the API's. */
  accessTokenLifetimeSeconds: number | null
  refreshTokenLifetimeSeconds: number | null
  /** Access tokens that were issued to the client before this second are refused. Unix seconds. */
  accessValidFrom: number
}

/** A client as it was read from D1 or from a copy of it. */
export interface StoredClient extends Client {
  /** The client's tokens issued before this second are dead. Unix seconds. */
  tokensValidFrom: number
  /** The latest change that it includes, by its number in `copy_changes`. */
  asOf: number
}

const lifetime = z.int().check(z.gte(60))

// Not strict: a copy in KV may be from an older or a newer version of the Worker.
const clientShape = {
  id: z.string().check(z.regex(CLIENT_ID)),
  name: z.string(),
  api: z.string(),
  grants: z.array(z.enum(CLIENT_GRANTS)),
  scopes: z.array(z.string()),
  origins: z.array(z.string()),
  confidential: z.boolean(),
  enabled: z.boolean(),
  secrets: z.array(z.object({ hash: z.string(), createdAt: z.int(), expiresAt: z.nullable(z.int()) })),
  createdAt: z.int(),
  accessTokenLifetimeSeconds: z._default(z.nullable(lifetime), null),
  refreshTokenLifetimeSeconds: z._default(z.nullable(lifetime), null),
  accessValidFrom: z._default(z.int(), 0),
}
const clientSchema: z.ZodMiniType<Client> = z.object(clientShape)
const copySchema: z.ZodMiniType<StoredClient> = z.object({
  ...clientShape,
  tokensValidFrom: z.int(),
  asOf: z.int(),
})

const rowSchema = z.object({
  client_id: z.string(),
  name: z.string(),
  api: z.string(),
  grants: z.string(),
  scopes: z.string(),
  origins: z.string(),
  confidential: z.int(),
  enabled: z.int(),
  secrets: z.string(),
  created_at: z.int(),
  access_token_lifetime: z.nullable(z.int()),
  refresh_token_lifetime: z.nullable(z.int()),
  access_valid_from: z.int(),
})

/** What can change about a client from one second to the next. */
export interface ClientStanding {
  enabled: boolean
  /** The client's tokens issued before this second are dead. Unix seconds. */
  tokensValidFrom: number
}

const standingSchema = z.object({ enabled: z.int(), tokens_valid_from: z.int() })

/** @throws CorruptRecord */
export function decodeClientStanding(id: string, value: unknown): ClientStanding {
  const row = decodeRecord(standingSchema, `client ${id}`, value)
  return { enabled: row.enabled === 1, tokensValidFrom: row.tokens_valid_from }
}

/** Decodes a copy. @throws CorruptRecord */
export function decodeClientCopy(id: string, value: unknown): StoredClient {
  return decodeRecord(copySchema, `client ${id}`, value)
}

/** @throws CorruptRecord */
export function decodeClient(id: string, value: unknown): Client {
  return decodeRecord(clientSchema, `client ${id}`, value)
}

const storedRowSchema = z.object({ tokens_valid_from: z.int(), as_of: z.int() })

/** Decodes a row of `clients` with its secrets and the latest change. @throws CorruptRecord */
export function decodeStoredClientRow(id: string, value: unknown): StoredClient {
  const { tokens_valid_from, as_of } = decodeRecord(storedRowSchema, `client ${id}`, value)
  return { ...decodeClientRow(id, value), tokensValidFrom: tokens_valid_from, asOf: as_of }
}

/** Decodes a row of `clients` with its secrets gathered as a JSON array. @throws CorruptRecord */
export function decodeClientRow(id: string, value: unknown): Client {
  const record = `client ${id}`
  const row = decodeRecord(rowSchema, record, value)
  return decodeClient(id, {
    id: row.client_id,
    name: row.name,
    api: row.api,
    grants: parseJsonColumn(record, row.grants),
    scopes: parseJsonColumn(record, row.scopes),
    origins: parseJsonColumn(record, row.origins),
    confidential: row.confidential === 1,
    enabled: row.enabled === 1,
    secrets: parseJsonColumn(record, row.secrets),
    createdAt: row.created_at,
    accessTokenLifetimeSeconds: row.access_token_lifetime,
    refreshTokenLifetimeSeconds: row.refresh_token_lifetime,
    accessValidFrom: row.access_valid_from,
  })
}
