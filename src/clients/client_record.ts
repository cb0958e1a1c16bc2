import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { authenticationOf, type ClientAuthentication } from './client.ts'
import { type ClientValues, fromColumns, valueMembers } from './client_values.ts'

/** Secrets from before the admin API have no id, so their id is made from their time. */
export const SECRET_ID = `coalesce(secret_id, 'at-' || created_at)`

/** The columns that `decodeClientRecord` reads, of the table `clients c`. */
export const CLIENT_RECORD_COLUMNS = `c.*, '[]' AS secrets,
  (SELECT json_group_array(json_object('id', ${SECRET_ID}, 'createdAt', created_at, 'expiresAt', expires_at,
      'lastUsedAt', last_used_at))
     FROM (SELECT * FROM client_secrets WHERE client_id = c.client_id ORDER BY created_at DESC, secret_id)) AS admin_secrets`

/** A secret as the admin API shows it, without its hash. Times are Unix seconds. */
export interface SecretRecord {
  id: string
  createdAt: number
  /** Null if the secret does not expire. */
  expiresAt: number | null
  /** With a precision of about one hour; null if the secret was never used. */
  lastUsedAt: number | null
}

/** A client in the admin API. Times are Unix seconds. */
export interface ClientRecord extends Omit<ClientValues, 'confidential'> {
  authentication: ClientAuthentication<SecretRecord>
  createdAt: number
  /** Each change increments the version. */
  version: number
  /** Null before the first change. */
  updatedAt: number | null
  lastUsedAt: number | null
  /** Access tokens and refresh tokens issued before this second are refused. */
  tokensValidFrom: number
}

const rowSchema = z.looseObject({
  client_id: z.string(),
  created_at: z.int(),
  version: z.int(),
  updated_at: z.nullable(z.int()),
  last_used_at: z.nullable(z.int()),
  tokens_valid_from: z.int(),
  admin_secrets: z.string(),
})
const valuesSchema = z.object(valueMembers)
const secretsSchema: z.ZodMiniType<SecretRecord[]> = z.array(
  z.object({
    id: z.string(),
    createdAt: z.int(),
    expiresAt: z.nullable(z.int()),
    lastUsedAt: z.nullable(z.int()),
  }),
)

/** Decodes a row of `clients` with its secrets as `admin_secrets`, a JSON array. @throws CorruptRecord */
export function decodeClientRecord(value: unknown): ClientRecord {
  const row = decodeRecord(rowSchema, 'client', value)
  const record = `client ${row.client_id}`
  const { confidential, ...values } = decodeRecord(valuesSchema, record, fromColumns(record, row))
  const secrets = parseJsonColumn(record, row.admin_secrets)
  return {
    ...values,
    authentication: authenticationOf(
      { ...values, confidential },
      decodeRecord(secretsSchema, `secrets of ${record}`, secrets),
    ),
    createdAt: row.created_at,
    version: row.version,
    updatedAt: row.updated_at,
    lastUsedAt: row.last_used_at,
    tokensValidFrom: row.tokens_valid_from,
  }
}
