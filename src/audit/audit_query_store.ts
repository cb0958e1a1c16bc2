import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { type PageQuery, pageSql, type Slice, sliceOf, type Total, toTotal } from '../lib/list_page.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'
import { readList } from '../storage/list_store.ts'
import type { ArchivedEventStore } from './archived_event_store.ts'
import { type AuditFilter, conditionsOf, matchesOnlyRows } from './audit_filter.ts'
import type { BatchedEventStore, StartedSession } from './batched_event_store.ts'
import { type EventSources, sourcesIn } from './event_sources_store.ts'
import { comparePlaces, isFalling, mergeSlices } from './merge_events.ts'
import { decodeEvents, type StoredAuditEvent } from './stored_event.ts'

/** A sign-in, as the trail knows it: the session may have no row. */
export interface SignIn {
  sid: string
  at: number
  subject: string
  clientId: string
  api: string
}

/** A search for the sign-in of a session. */
export interface SignInSearch {
  /** The owner of the session: then the batches of one partition are read. Null if it is not known: then all are read. */
  subject: string | null
  /** Called before batches are read. If it throws, none are read. */
  beforeSearch(): void
}

/** The columns of a sign-in. */
const SIGN_IN = 'sid, at, subject, client_id, api'

/** The newest event of a list, without a count. */
const NEWEST = { sort: 'time', isDescending: true, from: null, isBackwards: false, limit: 1 } as const
const UNCOUNTED = { total: 0, isExact: false }

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

/** Reads the audit trail for the operators. */
export class AuditQueryStore {
  readonly #db: D1Database
  readonly #batched: BatchedEventStore
  readonly #archived: ArchivedEventStore

  constructor(db: D1Database, { batched, archived }: EventSources = sourcesIn(db)) {
    this.#db = db
    this.#batched = batched
    this.#archived = archived
  }

  /**
   * Lists a page of events. Events in the archive are listed only with the filter of a subject.
   *
   * @param known The total of the list; null to count it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(
    filter: AuditFilter,
    page: PageQuery<'time'>,
    known: Total | null,
  ): Promise<{ slice: Slice<StoredAuditEvent>; total: Total }> {
    const conditions = conditionsOf(filter)
    const list = { columns: '*', table: 'audit_events', conditions, order: ['at', 'id'], page, known }
    const rows = readList(this.#db, list).then(({ slice, total }) => ({
      slice: { ...slice, rows: decodeEvents(slice.rows) },
      total,
    }))
    const { subject = null } = filter
    if (subject === null && matchesOnlyRows(filter)) return rows
    const [ofRows, batched] = await Promise.all([
      rows,
      this.#batched.read({ ...list, filter }, known === null),
    ])
    const inD1 = mergeSlices([ofRows.slice, sliceOf(decodeEvents(batched.rows), page)], page)
    const total = known ?? addTotals(ofRows.total, batched.total)
    return subject === null
      ? { slice: inD1, total }
      : this.#addArchived(inD1, { ...filter, subject }, { page, total })
  }

  async #addArchived(
    inD1: Slice<StoredAuditEvent>,
    filter: AuditFilter & { subject: string },
    { page, total }: { page: PageQuery; total: Total },
  ): Promise<{ slice: Slice<StoredAuditEvent>; total: Total }> {
    const last = page.isBackwards ? inD1.rows[0] : inD1.rows.at(-1)
    const enough = inD1.rows.length === page.limit && last ? last.at : null
    const archived = await this.#archived.list({ filter, page, enough })
    const slice = mergeSlices([inD1, archived], page)
    const isCounted = page.from === null
    const added = { total: isCounted ? archived.rows.length : 0, isExact: !isCounted || !archived.hasMore }
    return { slice, total: addTotals(total, added) }
  }

  /**
   * Lists sign-ins in the reading direction of a page, and one more than its limit.
   *
   * @param owner Without a user and a client, the sign-ins of all are listed. Then the query reads a replica near the caller,
   *   because it passes over the refreshes of all sessions.
   * @throws StorageUnavailable, CorruptRecord
   */
  async listSignIns(owner: SignInOwner, page: PageQuery): Promise<SignIn[]> {
    const order = ['at', 'sid']
    const conditions = signInsOf(owner)
    const { condition, end } = pageSql(order, page)
    const { sql, values } = where([...conditions, condition])
    const isOfAll = owner.subject === null && owner.clientId === null
    const db = isOfAll ? this.#db.withSession('first-unconstrained') : this.#db
    // SQLite would sort all sign-ins to find the first ones.
    const table = isOfAll ? 'audit_events INDEXED BY audit_events_by_time' : 'audit_events'
    const [rows, batched] = await Promise.all([
      this.#signIns(db.prepare(`SELECT ${SIGN_IN} FROM ${table} ${sql} ${end}`).bind(...values)),
      this.#batched.read({ columns: SIGN_IN, filter: owner, conditions, order, page }, false),
    ])
    const sign = isFalling(page) ? -1 : 1
    return [...rows, ...decodeSignIns(batched.rows)]
      .sort((a, b) => sign * comparePlaces([a.at, a.sid], [b.at, b.sid]))
      .slice(0, page.limit + 1)
  }

  /** The device and the country of the sign-ins of sessions, by their sids. @throws StorageUnavailable, CorruptRecord */
  async findOrigins(sessions: readonly StartedSession[]): Promise<ReadonlyMap<string, Origin>> {
    if (sessions.length === 0) return new Map()
    const sids = sessions.map(({ sid }) => sid)
    const select = this.#db
      .prepare(
        `SELECT event.sid, event.device, event.country FROM json_each(?) AS given
         JOIN audit_events AS event ON event.id =
           (SELECT id FROM audit_events WHERE sid = given.value AND kind = 'issue' ORDER BY at LIMIT 1)`,
      )
      .bind(JSON.stringify(sids))
    const [{ results }, batched] = await Promise.all([
      callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS),
      this.#batched.findOrigins(sessions),
    ])
    const origins = decodeRecord(originsSchema, 'audit events', [...batched, ...results])
    return new Map(origins.map(({ sid, device, country }) => [sid, { device, country }]))
  }

  /**
   * The time of the last sign-in of a user, in Unix seconds; null if the trail in D1 and the newest objects of the user have none.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async findLastSignIn(subject: string): Promise<number | null> {
    const select = this.#db
      .prepare(`SELECT at FROM audit_events WHERE subject = ? AND kind IN ('browser_sign_in', 'step_sign_in')
         ORDER BY at DESC LIMIT 1`)
      .bind(subject)
    const [row, { slice }] = await Promise.all([
      callStore('D1 audit_events', () => select.first(), SEARCH_DEADLINE_MS),
      this.list({ subject, kind: 'issue' }, NEWEST, UNCOUNTED),
    ])
    const atPage = row === null ? 0 : decodeRecord(z.object({ at: z.int() }), 'audit event', row).at
    return Math.max(atPage, slice.rows[0]?.at ?? 0) || null
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
    const conditions = signInsOf(owner)
    const { sql, values } = where(conditions)
    const select = this.#db.prepare(`SELECT sid FROM audit_events ${sql} LIMIT ?`).bind(...values, limit)
    const page = { ...NEWEST, limit }
    const [{ results }, batched] = await Promise.all([
      callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS),
      this.#batched.read({ columns: 'sid', filter: owner, conditions, order: ['at', 'sid'], page }, false),
    ])
    return decodeRecord(sidsSchema, 'audit events', [...results, ...batched.rows]).map(({ sid }) => sid)
  }

  /**
   * The sign-in that started a session; null if its event was deleted.
   *
   * @throws StorageUnavailable, CorruptRecord, and the errors of `beforeSearch`
   */
  async findSignIn(sid: string, { subject, beforeSearch }: SignInSearch): Promise<SignIn | null> {
    const select = this.#db
      .prepare(`SELECT ${SIGN_IN} FROM audit_events WHERE sid = ? AND kind = 'issue' ORDER BY at LIMIT 1`)
      .bind(sid)
    const [stored] = await this.#signIns(select)
    if (stored !== undefined) return stored
    beforeSearch()
    const filter = { sid, subject, kind: 'issue' } as const
    const conditions = conditionsOf(filter)
    const page = { ...NEWEST, limit: 1 }
    const { rows } = await this.#batched.read(
      { columns: SIGN_IN, filter, conditions, order: ['at', 'sid'], page },
      false,
    )
    return decodeSignIns(rows)[0] ?? null
  }

  async #signIns(select: D1PreparedStatement): Promise<SignIn[]> {
    const { results } = await callStore('D1 audit_events', () => select.all(), SEARCH_DEADLINE_MS)
    return decodeSignIns(results)
  }
}

function decodeSignIns(results: unknown): SignIn[] {
  return decodeRecord(signInsSchema, 'audit events', results).map(({ client_id: clientId, ...rest }) => ({
    ...rest,
    clientId,
  }))
}

function addTotals(a: Total, b: Total): Total {
  const { total, isExact } = toTotal(a.total + b.total)
  return { total, isExact: isExact && a.isExact && b.isExact }
}

/** The conditions of sign-ins that began a session. */
function signInsOf({ hiddenApi, ...owner }: SignInOwner): Condition[] {
  return [...conditionsOf({ ...owner, kind: 'issue' }), ['sid IS NOT NULL', []], ['api <> ?', hiddenApi]]
}
