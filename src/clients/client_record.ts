import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { type Client, decodeClientRow } from './client.ts'

/** A secret as operators see it: never its hash. Times are Unix seconds. */
export interface SecretRecord {
  id: string
  createdAt: number
  /** Null where it has no end. */
  expiresAt: number | null
  /** About; null where it never was, as far as is known. */
  lastUsedAt: number | null
}

/** A client as operators see it. Times are Unix seconds. */
export interface ClientRecord extends Omit<Client, 'secrets'> {
  secrets: SecretRecord[]
  /** Grows with each change. */
  version: number
  /** Null where nothing was changed yet. */
  updatedAt: number | null
  lastUsedAt: number | null
}

const extrasSchema = z.object({
  version: z.int(),
  updated_at: z.nullable(z.int()),
  last_used_at: z.nullable(z.int()),
  admin_secrets: z.string(),
})
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
  const { secrets: _none, ...client } = decodeClientRow(rowId(value), value)
  const record = `client ${client.id}`
  const { version, updated_at, last_used_at, admin_secrets } = decodeRecord(extrasSchema, record, value)
  return {
    ...client,
    secrets: decodeRecord(secretsSchema, `secrets of ${record}`, parseJsonColumn(record, admin_secrets)),
    version,
    updatedAt: updated_at,
    lastUsedAt: last_used_at,
  }
}

function rowId(value: unknown): string {
  return decodeRecord(z.object({ client_id: z.string() }), 'client', value).client_id
}
