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
}

const clientSchema: z.ZodMiniType<Client> = z.strictObject({
  id: z.string().check(z.regex(CLIENT_ID)),
  name: z.string(),
  api: z.string(),
  grants: z.array(z.enum(CLIENT_GRANTS)),
  scopes: z.array(z.string()),
  origins: z.array(z.string()),
  confidential: z.boolean(),
  enabled: z.boolean(),
  secrets: z.array(z.strictObject({ hash: z.string(), createdAt: z.int(), expiresAt: z.nullable(z.int()) })),
  createdAt: z.int(),
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
})

/** @throws CorruptRecord */
export function decodeClient(id: string, value: unknown): Client {
  return decodeRecord(clientSchema, `client ${id}`, value)
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
  })
}
