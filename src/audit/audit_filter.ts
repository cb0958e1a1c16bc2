import type { Condition } from '../lib/where.ts'
import { type AuditKind, DAILY_KINDS } from './audit_event.ts'
import { IS_RARE, type StoredAuditEvent } from './stored_event.ts'

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

/** Whether only rows of `audit_events` can match. Batches and archives have neither events of rare kinds nor operators. */
export function matchesOnlyRows({ kind, actor, byOperator }: AuditFilter): boolean {
  return isRare(kind) || (actor ?? null) !== null || byOperator === true
}

/** The filters with an index, and their columns, those with the fewest events first. Only rare kinds have an index. */
const INDEXED = [
  ['sid', 'sid'],
  ['subject', 'subject'],
  ['actor', 'actor'],
  ['kind', 'kind'],
  ['clientId', 'client_id'],
] as const

/**
 * The SQL of a filter. Of several filters with an index, only the first one can use it: a unary plus excludes a column. Without
 * statistics, SQLite can choose any of them, and read all events of a client for one of its users.
 */
export function conditionsOf(filter: AuditFilter): Condition[] {
  const { byOperator = null } = filter
  const isDaily = (filter.kind ?? null) !== null && !isRare(filter.kind)
  const given = INDEXED.filter(([name]) => (filter[name] ?? null) !== null && !(name === 'kind' && isDaily))
  return [
    ...given.map(([name, column], i): Condition => [`${i === 0 ? '' : '+'}${column} = ?`, filter[name]]),
    ['kind = ?', isDaily ? filter.kind : null],
    [IS_RARE, isRare(filter.kind) ? [] : null],
    ['outcome = ?', filter.outcome],
    ['grant = ?', filter.grant],
    ['api = ?', filter.api],
    ['at >= ?', filter.from],
    ['at < ?', filter.to],
    ['actor IS NOT NULL', byOperator === true ? [] : null],
    ['actor IS NULL', byOperator === false ? [] : null],
  ]
}

/** Whether an event matches a filter. */
export function isMatch(event: StoredAuditEvent, filter: AuditFilter): boolean {
  const { from, to, byOperator } = filter
  const isEqual = (wanted: string | null | undefined, value: string | null) =>
    wanted === undefined || wanted === null || wanted === value
  return (
    isEqual(filter.subject, event.subject) &&
    isEqual(filter.clientId, event.clientId) &&
    isEqual(filter.sid, event.sid) &&
    isEqual(filter.actor, event.actor) &&
    isEqual(filter.kind, event.kind) &&
    isEqual(filter.outcome, event.outcome) &&
    isEqual(filter.grant, event.grant) &&
    isEqual(filter.api, event.api) &&
    event.at >= (from ?? 0) &&
    event.at < (to ?? Infinity) &&
    (byOperator ?? event.actor !== null) === (event.actor !== null)
  )
}

function isRare(kind: AuditKind | null = null): boolean {
  return kind !== null && !DAILY_KINDS.includes(kind)
}
