import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { type ClientValues, defaultSettings, fromColumns, valueMembers } from './client_values.ts'

/** A live or expired secret of a client. Times are Unix seconds. */
export interface ClientSecret {
  /** SHA-256 of the secret, base64url. */
  hash: string
  createdAt: number
  /** Null if the secret does not expire. */
  expiresAt: number | null
}

/**
 * The method of client authentication (RFC 6749 §2.3). `none` is a public client. `client_secret` is a client that sends its
 * secret by HTTP Basic or in the body. `private_key_jwt` is a client that signs an assertion with a key of its record.
 */
export type ClientAuthentication<Secret = ClientSecret> =
  | { method: 'none' }
  | { method: 'client_secret'; secrets: Secret[] }
  | { method: 'private_key_jwt' }

/** An application that requests tokens. Its fields are those of CLIENT_FIELDS. */
export interface Client extends Omit<ClientValues, 'confidential'> {
  authentication: ClientAuthentication
  createdAt: number
  /** The server refuses access tokens issued before this second. Sessions continue. Unix seconds. */
  accessValidFrom: number
}

/** A client from D1 or from a copy. */
export interface StoredClient extends Client {
  /** The server refuses all tokens issued before this second. Unix seconds. */
  tokensValidFrom: number
  /** The number in `copy_changes` of the latest change that this record includes. */
  asOf: number
  /** Whether the inline keys are from a document that was not fetched for some days, so that the client may have removed one. */
  hasOldKeys: boolean
}

// The schema is not strict, because an older or a newer version of the Worker may have written the copy.
const copySchema = z.object({
  ...valueMembers,
  secrets: z.array(z.object({ hash: z.string(), createdAt: z.int(), expiresAt: z.nullable(z.int()) })),
  createdAt: z.int(),
  accessValidFrom: z._default(z.int(), 0),
  tokensValidFrom: z.int(),
  asOf: z.int(),
})

/** A client in the format of its KV copy. */
export type ClientCopy = z.output<typeof copySchema>

/** The columns that are not in CLIENT_FIELDS. */
const rowSchema = z.looseObject({
  secrets: z.string(),
  created_at: z.int(),
  access_valid_from: z.int(),
  tokens_valid_from: z.int(),
  as_of: z.int(),
})

/** The part of a client that decides whether its tokens are valid. */
export interface ClientValidity {
  enabled: boolean
  /** The server refuses all tokens issued before this second. Unix seconds. */
  tokensValidFrom: number
}

const validitySchema = z.object({ enabled: z.int(), tokens_valid_from: z.int() })

/** @throws CorruptRecord */
export function decodeClientValidity(id: string, value: unknown): ClientValidity {
  const row = decodeRecord(validitySchema, `client ${id}`, value)
  return { enabled: row.enabled === 1, tokensValidFrom: row.tokens_valid_from }
}

/** Decodes a KV copy. @throws CorruptRecord */
export function decodeClientCopy(id: string, value: unknown): ClientCopy {
  return decodeRecord(copySchema, `client ${id}`, { ...defaultSettings(id), ...Object(value) })
}

/** Decodes a row of `clients` with its secrets as a JSON array and its latest change. @throws CorruptRecord */
export function decodeClientRow(id: string, value: unknown): ClientCopy {
  const record = `client ${id}`
  const row = decodeRecord(rowSchema, record, value)
  return decodeRecord(copySchema, record, {
    ...fromColumns(record, row),
    secrets: parseJsonColumn(record, row.secrets),
    createdAt: row.created_at,
    accessValidFrom: row.access_valid_from,
    tokensValidFrom: row.tokens_valid_from,
    asOf: row.as_of,
  })
}

export function toStoredClient({ confidential, secrets, ...client }: ClientCopy): StoredClient {
  const authentication = authenticationOf({ ...client, confidential }, secrets)
  return { ...client, authentication, hasOldKeys: false }
}

/** The values that decide the method of authentication. */
export type AuthenticationValues = Pick<ClientValues, 'confidential' | 'jwks' | 'jwksUri'>

/** @param secrets The secrets of the client. A client with keys has no secret that it can use. */
export function authenticationOf<Secret>(
  values: AuthenticationValues,
  secrets: Secret[],
): ClientAuthentication<Secret> {
  if (!values.confidential) return { method: 'none' }
  return hasKeys(values) ? { method: 'private_key_jwt' } : { method: 'client_secret', secrets }
}

/** Whether a client authenticates by a key. */
export function hasKeys({ jwks, jwksUri }: Pick<ClientValues, 'jwks' | 'jwksUri'>): boolean {
  return jwks !== null || jwksUri !== null
}

/** Whether a new client gets a secret. */
export function needsSecret(values: AuthenticationValues): boolean {
  return values.confidential && !hasKeys(values)
}

/** Whether the client is confidential (RFC 6749 §2.1). */
export function isConfidential({ authentication }: { authentication: { method: string } }): boolean {
  return authentication.method !== 'none'
}

/** The secrets of a client; empty for a client with another method. */
export function secretsOf<Secret>(authentication: ClientAuthentication<Secret>): readonly Secret[] {
  return authentication.method === 'client_secret' ? authentication.secrets : []
}
