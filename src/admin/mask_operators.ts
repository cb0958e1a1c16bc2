import type { StoredAuditEvent } from '../audit/stored_event.ts'
import type { Call } from './operation.ts'
import { hiddenPoolOf } from './permissions.ts'
import { operatorOnly } from './problem.ts'

type Reader = Pick<Call, 'caller' | 'services'>

/** Members that describe the operator who caused an event. */
const NO_ORIGIN = { addressPrefix: null, device: null, country: null }

/**
 * Removes the ids, networks, devices and countries of operators from events, if the caller is a service account. A monitoring
 * account still gets every event with its time, kind and reason.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function maskOperators(
  events: readonly StoredAuditEvent[],
  call: Reader,
): Promise<readonly StoredAuditEvent[]> {
  if (hiddenPoolOf(call) === null) return events
  const operators = await findOperators(
    events.map(({ subject }) => subject),
    call,
  )
  return events.map((event) => maskSubject(maskActor(event), operators, call))
}

/** @throws Problem 403 if the caller is a service account and one of the ids is that of an operator */
export async function requireVisible(ids: readonly (string | null)[], call: Reader): Promise<void> {
  if ((await findOperators(ids, call)).size > 0) throw operatorOnly('Service accounts cannot read operators.')
}

/** The ids of operators whom the caller does not see. */
async function findOperators(ids: readonly (string | null)[], call: Reader): Promise<ReadonlySet<string>> {
  const pool = hiddenPoolOf(call)
  if (pool === null) return new Set()
  const users = await call.services.userAdmin.findMany([...new Set(ids)].filter((id) => id !== null))
  return new Set(users.filter((user) => user.pool === pool).map(({ id }) => id))
}

/** A service account is its own actor, and its client is the same. */
function maskActor(event: StoredAuditEvent): StoredAuditEvent {
  const isByOperator = event.actor !== null && event.actor !== event.actorClient
  return isByOperator ? { ...event, ...NO_ORIGIN, actor: null } : event
}

/** An event of the admin API that is not of a client itself is of an operator, also after the deletion of the operator. */
function maskSubject(
  event: StoredAuditEvent,
  operators: ReadonlySet<string>,
  { services }: Reader,
): StoredAuditEvent {
  const { api, subject, clientId } = event
  const isOfSession = api === services.config.adminApi?.name && subject !== clientId
  const isOfOperator = isOfSession || (subject !== null && operators.has(subject))
  return isOfOperator ? { ...event, ...NO_ORIGIN, subject: null, sid: null } : event
}
