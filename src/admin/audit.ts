import * as z from 'zod/mini'
import { AUDIT_KINDS } from '../audit/audit_event.ts'
import { type AuditFilter, matchesOnlyRows } from '../audit/audit_filter.ts'
import { movedBefore } from '../audit/event_partition.ts'
import type { StoredAuditEvent } from '../audit/stored_event.ts'
import { compact } from '../lib/compact.ts'
import { flag, text } from '../lib/input_schemas.ts'
import { GRANT_TYPES } from '../oauth/grant_type.ts'
import type { Names } from '../users/name_store.ts'
import { GUEST } from '../users/visitor.ts'
import { requireConfigured } from './known_values.ts'
import { maskOperators, requireVisible } from './mask_operators.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { type ListOrders, readPage, showPage, sortParameter } from './paging.ts'
import { hiddenPoolOf } from './permissions.ts'
import { Problem } from './problem.ts'
import { named, pageMembers, paging, unixSeconds } from './schemas.ts'

export const eventSchema = named(
  'AuditEvent',
  z.strictObject({
    id: z.int(),
    at: z.int(),
    kind: z.string(),
    outcome: z.string(),
    reason: z.string(),
    api: z.nullable(z.string()),
    client_id: z.nullable(z.string()),
    client_name: z.nullable(z.string()),
    subject: z.nullable(z.string()),
    /** The username, or the display name of a client; null for a guest and for a deleted user. */
    subject_name: z.nullable(z.string()),
    sid: z.nullable(z.string()),
    address_prefix: z.nullable(z.string()),
    /** The browser and the system, such as "Chrome on Android". */
    device: z.nullable(z.string()),
    /** Two letters. */
    country: z.nullable(z.string()),
    actor: z.nullable(z.string()),
    actor_name: z.nullable(z.string()),
    actor_client: z.nullable(z.string()),
    actor_client_name: z.nullable(z.string()),
    grant: z.nullable(z.string()),
    change: z.nullable(z.record(z.string(), z.unknown())),
  }),
)

export const eventsSchema = named(
  'AuditEvents',
  z.strictObject({
    ...pageMembers(eventSchema),
    /** The list lacks events before this time that only the archive has, in Unix seconds; null if it lacks none. */
    archived_before: z.nullable(z.int()),
  }),
)

/** The orders of audit events. */
export const EVENT_ORDERS: ListOrders<StoredAuditEvent, 'time'> = {
  time: { placeOf: ({ at, id }) => [at, id], place: z.tuple([z.int(), z.int()]) },
}
const id = text(200)

/** The values of `grant` in events. */
export const GRANTS = [...GRANT_TYPES, GUEST] as const

const listAudit = operation({
  id: 'listAudit',
  method: 'GET',
  path: '/audit',
  summary: 'Lists audit events, newest first; `from` is inclusive and `to` exclusive, in Unix seconds',
  tag: 'audit',
  role: 'support',
  scope: 'audit:read',
  query: z
    .strictObject({
      ...paging,
      sort: sortParameter(['time']),
      subject: z.optional(id),
      client_id: z.optional(id),
      sid: z.optional(id),
      actor: z.optional(id),
      kind: z.optional(z.enum(AUDIT_KINDS, `must be one of ${AUDIT_KINDS.join(', ')}`)),
      outcome: z.optional(z.enum(['ok', 'refused'], 'must be ok or refused')),
      grant: z.optional(z.enum(GRANTS, `must be one of ${GRANTS.join(', ')}`)),
      api: z.optional(text(64)),
      by_operator: z.optional(flag),
      from: z.optional(unixSeconds),
      to: z.optional(unixSeconds),
    })
    .check(
      z.refine(({ from = 0, to = Infinity }) => from < to, {
        path: ['to'],
        message: 'must be later than the time in "from"',
      }),
    ),
  isSearch({
    query: {
      subject,
      client_id: clientId,
      sid,
      actor,
      kind,
      outcome,
      grant,
      api,
      by_operator: byOperator,
      sort,
    },
    services,
  }) {
    if (subject !== undefined || actor !== undefined) return false
    const hasOwner = clientId !== undefined || sid !== undefined
    // Batches have no index for clients and sessions, and a list from the oldest event can read all batches.
    if (services.config.auditArchive !== null && (hasOwner || sort === 'time')) return true
    return !hasOwner && [kind, outcome, grant, api, byOperator].some((value) => value !== undefined)
  },
  status: 200,
  response: eventsSchema,
  async handle(call) {
    const { query, services } = call
    requireConfigured(query, services.config)
    const { client_id: clientId, by_operator: byOperator, ...rest } = query
    const filter = compact({ ...rest, clientId, byOperator })
    const { page, total: known } = readPage(query, EVENT_ORDERS, '-time')
    await requireVisible([query.subject ?? null, query.actor ?? null], call)
    const archivedBefore = await findArchivedBefore(filter, call)
    const { slice, total } = await services.auditTrail.list(filter, page, known)
    const rows = [...(await maskOperators(slice.rows, call))]
    const names = await findNames(rows, call)
    const show = (event: StoredAuditEvent) => showEvent(event, names)
    const shown = showPage({ ...slice, rows }, { page, total }, { ...EVENT_ORDERS.time, show })
    return { body: { ...shown, archived_before: archivedBefore } }
  },
})

/**
 * The time before which only the archive has events of a list, in Unix seconds; null if the list lacks none.
 *
 * @throws Problem 400 if `from` is before this time
 */
async function findArchivedBefore(
  filter: AuditFilter,
  { services }: Pick<Call, 'services'>,
): Promise<number | null> {
  const { subject = null, from = null } = filter
  if (subject !== null || matchesOnlyRows(filter)) return null
  const dayEnd = await services.archivedEvents.findEnd()
  if (dayEnd === null) return null
  const { config, clock } = services
  // A part of the last archived day can be in D1.
  const end = config.auditArchive
    ? Math.min(dayEnd, movedBefore(clock.now(), config.auditArchive.hotSeconds))
    : dayEnd
  if (from === null || from >= end) return from === null ? end : null
  const time = `${new Date(end * 1000).toISOString().slice(0, 16)}Z`
  const message = `is before ${time}: older events are in the archive. Add "subject", or use "sallyport audit export"`
  throw new Problem('invalid-query', { errors: [{ path: 'from', message }] })
}

export const AUDIT_OPERATIONS: readonly Operation[] = [listAudit]

/** Finds the current names for the ids of events. @throws StorageUnavailable, CorruptRecord */
export function findNames(
  events: readonly StoredAuditEvent[],
  call: Pick<Call, 'caller' | 'services'>,
): Promise<Names> {
  const ids = events.flatMap(({ clientId, subject, actor, actorClient }) => [
    clientId,
    subject,
    actor,
    actorClient,
  ])
  return call.services.names.find(ids, hiddenPoolOf(call))
}

/** The JSON form of an event, with the current names of its ids. */
export function showEvent(event: StoredAuditEvent, names: Names): z.output<typeof eventSchema> {
  const { clientId, addressPrefix, actorClient, change, ...rest } = event
  const { id, at, kind, outcome, reason, api, subject, sid, actor, grant, device, country } = rest
  const nameOf = (named: string | null) => (named === null ? null : (names.get(named) ?? null))
  return {
    id,
    at,
    kind,
    outcome,
    reason,
    api,
    client_id: clientId,
    client_name: nameOf(clientId),
    subject,
    subject_name: nameOf(subject),
    sid,
    address_prefix: addressPrefix,
    device,
    country,
    actor,
    actor_name: nameOf(actor),
    actor_client: actorClient,
    actor_client_name: nameOf(actorClient),
    grant,
    change,
  }
}
