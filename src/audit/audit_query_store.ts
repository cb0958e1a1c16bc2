import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'
import type { AuditKind } from './audit_event.ts'

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
  actor: string | null
  actorClient: string | null
  /** Null for an event without a grant, and for an event from an older version. */
  grant: string | null
  change: Readonly<Record<string, unknown>> | null
}

/** The filters of a list of events. An absent filter and a null filter have no effect. */
export interface AuditFilter {
  subject?: string | null
  clientId?: string | null
  sid?: string | null
  actor?: string | null
  kind?: AuditKind | null
  outcome?: string | null
  api?: string | null
  /** Whether an operator caused the event. */
  byOperator?: boolean | null
  /** Unix seconds, inclusive. */
  from?: number | null
  /** Unix seconds, exclusive. */
  to?: number | null
}

/** A position in a list with the newest event first. The events after it are older. */
export interface AuditPosition {
  at: number
  id: number
}

/** A sign-in from the audit trail, because the session may have no row. */
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
    grant: z.nullable(z.string()),
    change: z.nullable(z.string()),
  }),
)

const signInsSchema = z.array(
  z.object({ sid: z.string(), at: z.int(), subject: z.string(), client_id: z.string(), api: z.string() }),
)

const changeSchema = z.record(z.string(), z.unknown())

/** The kinds of most events. The partial index has only the other kinds, so its queries need this condition. */
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
    const { sql, values } = where([
      ...conditionsOf(filter),
      ['(at, id) < (?, ?)', after && [after.at, after.id]],
    ])
    const select = this.#db
      .prepare(`SELECT * FROM audit_events ${sql} ORDER BY at DESC, id DESC LIMIT ?`)
      .bind(...values, limit)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRows(results)
  }

  /** Sign-ins after a position, newest first. @throws StorageUnavailable, CorruptRecord */
  async listSignIns(
    owner: { subject: string | null; clientId: string | null },
    after: { at: number; sid: string } | null,
    limit: number,
  ): Promise<SignIn[]> {
    const { sql, values } = where([
      ...conditionsOf({ ...owner, kind: 'issue' }),
      ['sid IS NOT NULL', []],
      ['(at, sid) < (?, ?)', after && [after.at, after.sid]],
    ])
    const select = this.#db
      .prepare(
        `SELECT sid, at, subject, client_id, api FROM audit_events ${sql} ORDER BY at DESC, sid DESC LIMIT ?`,
      )
      .bind(...values, limit)
    return this.#signIns(select)
  }

  /** The sign-in that started a session; null if its event was deleted. @throws StorageUnavailable */
  async findSignIn(sid: string): Promise<SignIn | null> {
    const select = this.#db
      .prepare(
        `SELECT sid, at, subject, client_id, api FROM audit_events WHERE sid = ? AND kind = 'issue' ORDER BY at LIMIT 1`,
      )
      .bind(sid)
    return (await this.#signIns(select))[0] ?? null
  }

  /**
   * The timeline of a session, oldest event first: its own events, and each revocation of its user or client.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async listTimeline(
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

function conditionsOf(filter: AuditFilter): Condition[] {
  const { kind = null, byOperator = null } = filter
  const isRare = kind !== null && !DAILY_KINDS.includes(kind)
  return [
    ['subject = ?', filter.subject],
    ['client_id = ?', filter.clientId],
    ['sid = ?', filter.sid],
    ['actor = ?', filter.actor],
    ['kind = ?', kind],
    [IS_RARE, isRare ? [] : null],
    ['outcome = ?', filter.outcome],
    ['api = ?', filter.api],
    ['at >= ?', filter.from],
    ['at < ?', filter.to],
    ['actor IS NOT NULL', byOperator === true ? [] : null],
    ['actor IS NULL', byOperator === false ? [] : null],
  ]
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
