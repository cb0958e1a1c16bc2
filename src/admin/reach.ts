import type { Call, Operator } from './operation.ts'
import { operatorOnly, Problem } from './problem.ts'

/** The records that only an operator with the role admin may change. */
const RECORDS = {
  pool: 'A change of an operator',
  api: 'A change of a client of the admin API',
  sessionOf: "The end of an operator's session",
}

/** A record that an operation changes: a user of a pool, a client of an API, or a session of an API. */
export type Target = { [K in keyof typeof RECORDS]: Record<K, string> }[keyof typeof RECORDS]

/**
 * Only an admin changes operators, their clients and their sessions: support and service accounts cannot gain power over
 * operators.
 *
 * @throws Problem 403
 */
export function requireReach(target: Target, call: Call): void {
  const refusal = findReachRefusal(target, call)
  if (refusal !== null) throw refusal
}

/** The refusal of `requireReach`; null if the caller may change the record. */
export function findReachRefusal(target: Target, call: Call): Problem | null {
  const { caller } = call
  if (hasFullReach(call) || !isOfOperators(target, call)) return null
  const [kind] = Object.keys(target) as [keyof typeof RECORDS]
  if (caller.kind === 'service account') return operatorOnly(`${RECORDS[kind]} needs an operator.`)
  return new Problem('role-missing', { detail: `${RECORDS[kind]} needs the role admin.` })
}

/** Whether the caller may change every record. */
export function hasFullReach({ caller }: Call): boolean {
  return caller.kind === 'operator' && caller.isAdmin
}

function isOfOperators(target: Target, { services }: Call): boolean {
  const { adminApi } = services.config
  if ('pool' in target) return target.pool === adminApi?.userPool
  return ('api' in target ? target.api : target.sessionOf) === adminApi?.name
}

/** The operator of a call that service accounts cannot make. @throws Problem 403 */
export function requireOperator({ caller }: Pick<Call, 'caller'>): Operator {
  if (caller.kind === 'operator') return caller
  throw operatorOnly('Service accounts cannot do this.')
}
