import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { DAILY_KINDS } from './audit_event.ts'

/** A stored event. Times are Unix seconds. */
export interface StoredAuditEvent {
  id: number
  at: number
  kind: string
  outcome: string
  reason: string
  api: string | null
  clientId: string | null
  subject: string | null
  sid: string | null
  addressPrefix: string | null
  device: string | null
  country: string | null
  actor: string | null
  actorClient: string | null
  /** Null for an event without a grant, and for an event from an older version. */
  grant: string | null
  change: Readonly<Record<string, unknown>> | null
}

const rowsSchema = z.array(
  z.object({
    id: z.int(),
    at: z.int(),
    kind: z.string(),
    outcome: z.string(),
    reason: z.string(),
    api: z.nullable(z.string()),
    client_id: z.nullable(z.string()),
    subject: z.nullable(z.string()),
    sid: z.nullable(z.string()),
    address_prefix: z.nullable(z.string()),
    device: z.nullable(z.string()),
    country: z.nullable(z.string()),
    actor: z.nullable(z.string()),
    actor_client: z.nullable(z.string()),
    grant: z.nullable(z.string()),
    change: z.nullable(z.string()),
  }),
)

const changeSchema = z.record(z.string(), z.unknown())

/** The condition of the partial index of kinds. A query without it cannot use the index. */
export const IS_RARE = `kind NOT IN (${DAILY_KINDS.map((kind) => `'${kind}'`).join(', ')})`

export function decodeEvents(results: unknown): StoredAuditEvent[] {
  return decodeRecord(rowsSchema, 'audit events', results).map((row) => {
    const { client_id, address_prefix, actor_client, change, ...rest } = row
    const record = `audit event ${row.id}`
    return {
      ...rest,
      clientId: client_id,
      addressPrefix: address_prefix,
      actorClient: actor_client,
      change: change === null ? null : decodeRecord(changeSchema, record, parseJsonColumn(record, change)),
    }
  })
}
