import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { type PageQuery, pageSql, type Slice, type Total } from '../lib/list_page.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'
import { readList } from '../storage/list_store.ts'
import type { AuditKind } from './audit_event.ts'
import { decodeEvents, IS_RARE, type StoredAuditEvent } from './stored_event.ts'

/** The filters of a list of events. An absent filter and a null filter have no effect. */
export interface AuditFilter {
  subject?: string | null
  clientId?: string | null
  sid?: string | null
  actor?: string | null
  kind?: AuditKind | null
  outcome?: string | null
  grant?: string | null
  api?: string | null
  /** Whether the event has an actor: an operator or a service account. */
  byOperator?: boolean | null
  /** Unix seconds, inclusive. */
  from?: number | null
  /** Unix seconds, exclusive. */
  to?: number | null
}

/** A sign-in, as the trail knows it: the session may have no row. */
export interface SignIn {
  sid: string
  at: number
  subject: string
  clientId: string
  api: string
}

/** Whose sign-ins are listed; null for any. */
export interface SignInOwner {
  subject: string | null
  clientId: string | null
  /** An API whose sign-ins are left out. */
  hiddenApi?: string | null
}

const signInsSchema = z.array(
  z.object({ sid: z.string(), at: z.int(), subject: z.string(), client_id: z.string(), api: z.string() }),
)

/** Where a sign-in came from; null where it is not known. */
export interface Origin {
  device: string | null
  country: string | null
}

const originsSchema = z.array(
  z.object({ sid: z.string(), device: z.nullable(z.string()), country: z.nullable(z.string()) }),
)

const sidsSchema = z.array(z.object({ sid: z.string() }))

/** The kinds of most events, which are not in the index of `IS_RARE`. */
const DAILY_KINDS: readonly string[] = ['issue', 'refresh', 'retry']

/** Reads the audit trail for the operators. */
export class AuditQueryStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Lists a page of events.
   *
   * @param known The total of the list; null to count it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(
    filter: AuditFilter,
    page: PageQuery<'time'>,
    known: Total | null,
  ): Promise<{ slice: Slice<StoredAuditEvent>; total: Total }> {
    const { slice, total } = await readList(this.#db, {
      columns: '*',
      table: 'audit_events',
      conditions: conditionsOf(filter),
      order: ['at', 'id'],
      page,
      known,
    })
    return { slice: { ...slice, rows: decodeEvents(slice.rows) }, total }
  }

  /**
   * Lists sign-ins in the reading direction of a page, and one more than its limit.
   *
   * @param owner Without a user and a client, the sign-ins of all are listed. Then the query reads a replica near the caller,
   *   because it passes over the refreshes of all sessions.
   * @throws StorageUnavailable, CorruptRecord
   */
  async listSignIns(owner: SignInOwner, page: PageQuery): Promise<SignIn[]> {
    const { condition, end } = pageSql(['at', 'sid'], page)
    const { sql, values } = where([...signInsOf(owner), condition])
    const isOfAll = owner.subject === null && owner.clientId === null
    const db = isOfAll ? this.#db.withSession('first-unconstrained') : this.#db
    return this.#signIns(
      db.prepare(`SELECT sid, at, subject, client_id, api FROM audit_events ${sql} ${end}`).bind(...values),
    )
  }

  /** The device and the country of the sign-ins of sessions, by their sids. @throws StorageUnavailable, CorruptRecord */
  async findOrigins(sids: readonly string[]): Promise<ReadonlyMap<string, Origin>> {
    if (sids.length === 0) return new Map()
    const select = this.#db
      .prepare(
        `SELECT event.sid, event.device, event.country FROM json_each(?) AS given
         JOIN audit_events AS event ON event.id =
           (SELECT id FROM audit_events WHERE sid = given.value AND kind = 'issue' ORDER BY at LIMIT 1)`,
      )
      .bind(JSON.stringify(sids))
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    const origins = decodeRecord(originsSchema, 'audit events', results)
    return new Map(origins.map(({ sid, device, country }) => [sid, { device, country }]))
  }

  /** The time of the last sign-in of a user, in Unix seconds; null if the trail has none. @throws StorageUnavailable */
  async findLastSignIn(subject: string): Promise<number | null> {
    const select = this.#db
      .prepare(`SELECT at FROM audit_events WHERE subject = ? AND kind IN ('issue', 'browser_sign_in', 'step_sign_in')
         ORDER BY at DESC LIMIT 1`)
      .bind(subject)
    const row = await callStore('D1 audit_events', () => select.first(), SEARCH_DEADLINE_MS)
    return row === null ? null : decodeRecord(z.object({ at: z.int() }), 'audit event', row).at
  }

  /** Counts up to `limit` failed sign-ins of a user from a time on, in Unix seconds. @throws StorageUnavailable */
  async countFailures(subject: string, { from, limit }: { from: number; limit: number }): Promise<number> {
    const select = this.#db
      .prepare(
        `SELECT count(*) AS total FROM (SELECT 1 FROM audit_events
           WHERE subject = ? AND at >= ? AND kind = 'sign_in_failure' LIMIT ?)`,
      )
      .bind(subject, from, limit)
    const row = await callStore('D1 audit_events', () => select.first(), SEARCH_DEADLINE_MS)
    return decodeRecord(z.object({ total: z.int() }), 'count of failures', row).total
  }

  /** The sids of up to `limit` sign-ins of a user or a client. @throws StorageUnavailable, CorruptRecord */
  async listSids(owner: SignInOwner, limit: number): Promise<string[]> {
    const { sql, values } = where(signInsOf(owner))
    const select = this.#db.prepare(`SELECT sid FROM audit_events ${sql} LIMIT ?`).bind(...values, limit)
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRecord(sidsSchema, 'audit events', results).map(({ sid }) => sid)
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

  async #signIns(select: D1PreparedStatement): Promise<SignIn[]> {
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeRecord(signInsSchema, 'audit events', results).map(({ client_id: clientId, ...rest }) => ({
      ...rest,
      clientId,
    }))
  }
}

/** The conditions of sign-ins that began a session. */
function signInsOf({ hiddenApi, ...owner }: SignInOwner): Condition[] {
  return [...conditionsOf({ ...owner, kind: 'issue' }), ['sid IS NOT NULL', []], ['api <> ?', hiddenApi]]
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
    ['grant = ?', filter.grant],
    ['api = ?', filter.api],
    ['at >= ?', filter.from],
    ['at < ?', filter.to],
    ['actor IS NOT NULL', byOperator === true ? [] : null],
    ['actor IS NULL', byOperator === false ? [] : null],
  ]
}
