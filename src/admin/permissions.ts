import type { Call, Operator } from './operation.ts'
import { operatorOnly, Problem } from './problem.ts'
import type { Viewer } from './session_view.ts'

/** A record that an operation changes: a user of a pool, a client of an API, or a session of an API. */
export type Target = { pool: string } | { api: string } | { sessionOf: string }

/**
 * Only an admin changes operators, their clients and their sessions: support and service accounts cannot gain power over
 * operators.
 *
 * @throws Problem 403
 */
export function requirePermission(target: Target, call: Call): void {
  const refusal = findPermissionRefusal(target, call)
  if (refusal !== null) throw refusal
}

/** The refusal of `requirePermission`; null if the caller may change the record. */
export function findPermissionRefusal(target: Target, call: Call): Problem | null {
  if (hasAllPermissions(call) || !isOfOperators(target, call)) return null
  const what = describe(target)
  if (call.caller.kind === 'service account') return operatorOnly(`${what} is allowed only for operators.`)
  return new Problem('role-missing', { detail: `${what} is allowed only for operators with the role admin.` })
}

function describe(target: Target): string {
  if ('pool' in target) return 'A change of an operator'
  return 'api' in target ? 'A change of a client of the admin API' : "The end of an operator's session"
}

/** Whether the caller may change every record. */
export function hasAllPermissions({ caller }: Call): boolean {
  return caller.kind === 'operator' && caller.isAdmin
}

function isOfOperators(target: Target, { services }: Call): boolean {
  const { adminApi } = services.config
  if ('pool' in target) return target.pool === adminApi?.userPool
  return ('api' in target ? target.api : target.sessionOf) === adminApi?.name
}

/** The pool whose users the caller does not see; null for an operator. Service accounts do not see operators. */
export function hiddenPoolOf({ caller, services }: Pick<Call, 'caller' | 'services'>): string | null {
  return caller.kind === 'operator' ? null : (services.config.adminApi?.userPool ?? null)
}

/** The caller of a call who looks at sessions. */
export function viewerOf(call: Call): Viewer {
  return { services: call.services, context: call.context, hiddenPool: hiddenPoolOf(call) }
}

/** The API whose sessions the caller does not see; null for an operator. Only operators sign in to the admin API. */
export function hiddenApiOf({ caller, services }: Pick<Call, 'caller' | 'services'>): string | null {
  return caller.kind === 'operator' ? null : (services.config.adminApi?.name ?? null)
}

/** The operator of a call that service accounts cannot make. @throws Problem 403 */
export function requireOperator({ caller }: Pick<Call, 'caller'>): Operator {
  if (caller.kind === 'operator') return caller
  throw operatorOnly('Service accounts cannot do this.')
}
