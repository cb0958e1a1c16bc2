import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import type { AuditKind } from './audit_event.ts'

/** An event as it is stored. Times are Unix seconds. */
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
  actor: string | null
  actorClient: string | null
  change: Readonly<Record<string, unknown>> | null
}

/** What events must have; what is absent or null counts for nothing. */
export interface AuditFilter {
  subject?: string | null
  clientId?: string | null
  sid?: string | null
  actor?: string | null
  kind?: AuditKind | null
  outcome?: string | null
  api?: string | null
  /** Whether an operator did it. */
  byOperator?: boolean | null
  /** Unix seconds, inclusive. */
  from?: number | null
  /** Unix seconds, exclusive. */
  to?: number | null
}

/** A place in a list, newest first: what comes after it is older. */
export interface AuditPosition {
  at: number
  id: number
}

/** A sign-in, as the trail knows it: the session may have no row. */
export interface SignIn {
  sid: string
  at: number
  subject: string
  clientId: string
  api: string
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
    actor: z.nullable(z.string()),
    actor_client: z.nullable(z.string()),
    change: z.nullable(z.string()),
  }),
)

const signInsSchema = z.array(
  z.object({ sid: z.string(), at: z.int(), subject: z.string(), client_id: z.string(), api: z.string() }),
)

const changeSchema = z.record(z.string(), z.unknown())

/** The kinds that most events are of. The partial index has the others: a query says so, or it is not used. */
const DAILY_KINDS: readonly string[] = ['issue', 'refresh', 'retry']
const IS_RARE = `kind NOT IN ('issue', 'refresh', 'retry')`

/** Reads the audit trail for the operators. */
export class AuditQueryStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Events after a position, newest first. @throws StorageUnavailable, CorruptRecord */
  async list(filter: AuditFilter, after: AuditPosition | null, limit: number): Promise<StoredAuditEvent[]> {
    const { sql, values } = conditionsOf(filter)
    const isAfter = after === null ? [] : ['(at, id) < (?, ?)']
    const conditions = [...sql, ...isAfter].join(' AND ') || '1'
    const select = this.#db
      .prepare(`SELECT * FROM audit_events WHERE ${conditions} ORDER BY at DESC, id DESC LIMIT ?`)
      .bind(...values, ...(after === null ? [] : [after.at, after.id]), limit)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRows(results)
  }

  /** Sign-ins after a position, newest first. @throws StorageUnavailable, CorruptRecord */
  async listSignIns(
    owner: { subject: string | null; clientId: string | null },
    after: { at: number; sid: string } | null,
    limit: number,
  ): Promise<SignIn[]> {
    const { sql, values } = conditionsOf({ ...owner, kind: 'issue' })
    const isAfter = after === null ? [] : ['(at, sid) < (?, ?)']
    const select = this.#db
      .prepare(
        `SELECT sid, at, subject, client_id, api FROM audit_events
         WHERE ${[...sql, ...isAfter].join(' AND ')} AND sid IS NOT NULL ORDER BY at DESC, sid DESC LIMIT ?`,
      )
      .bind(...values, ...(after === null ? [] : [after.at, after.sid]), limit)
    return this.#signIns(select)
  }

  /** The sign-in that began a session; null where the trail has forgotten it. @throws StorageUnavailable */
  async findSignIn(sid: string): Promise<SignIn | null> {
    const select = this.#db
      .prepare(
        `SELECT sid, at, subject, client_id, api FROM audit_events WHERE sid = ? AND kind = 'issue' ORDER BY at LIMIT 1`,
      )
      .bind(sid)
    return (await this.#signIns(select))[0] ?? null
  }

  /**
   * What happened to a session, oldest first: its own events, and each cut-off of its person or client.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async listStory(
    { sid, subject, clientId }: { sid: string; subject: string; clientId: string },
    { from, to }: { from: number; to: number },
    limit: number,
  ): Promise<StoredAuditEvent[]> {
    const select = this.#db
      .prepare(
        `SELECT * FROM audit_events WHERE sid = ?1
         UNION
         SELECT * FROM audit_events
           WHERE subject = ?2 AND at BETWEEN ?4 AND ?5 AND kind = 'cut_off' AND ${IS_RARE}
         UNION
         SELECT * FROM audit_events
           WHERE client_id = ?3 AND subject IS NULL AND at BETWEEN ?4 AND ?5 AND kind = 'cut_off' AND ${IS_RARE}
         ORDER BY at, id LIMIT ?6`,
      )
      .bind(sid, subject, clientId, from, to, limit)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRows(results)
  }

  async #signIns(select: D1PreparedStatement): Promise<SignIn[]> {
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRecord(signInsSchema, 'audit events', results).map(({ client_id: clientId, ...rest }) => ({
      ...rest,
      clientId,
    }))
  }
}

function conditionsOf(filter: AuditFilter): { sql: string[]; values: unknown[] } {
  const { kind = null, byOperator = null } = filter
  const given: [string, unknown][] = [
    ['subject = ?', filter.subject],
    ['client_id = ?', filter.clientId],
    ['sid = ?', filter.sid],
    ['actor = ?', filter.actor],
    ['kind = ?', kind],
    ['outcome = ?', filter.outcome],
    ['api = ?', filter.api],
    ['at >= ?', filter.from],
    ['at < ?', filter.to],
  ]
  const used = given.filter(([, value]) => value !== undefined && value !== null)
  return {
    sql: [
      ...used.map(([condition]) => condition),
      ...(kind !== null && !DAILY_KINDS.includes(kind) ? [IS_RARE] : []),
      ...(byOperator === null ? [] : [byOperator ? 'actor IS NOT NULL' : 'actor IS NULL']),
    ],
    values: used.map(([, value]) => value),
  }
}

function decodeRows(results: unknown): StoredAuditEvent[] {
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
