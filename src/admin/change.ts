import type { AuditEvent, AuditedChange } from '../audit/audit_event.ts'
import type { EditOutcome } from '../lib/edit.ts'
import type { PasswordSetting } from '../users/create_user.ts'
import type { Call } from './operation.ts'
import { notFound, type Problem, stale } from './problem.ts'
import { formatEtag } from './read_input.ts'

/** What an audit event says of the operator and the change. */
export function byOperator({ operator }: Call, change: AuditedChange): Pick<AuditEvent, 'actor' | 'change'> {
  return { actor: { subject: operator.user.id, clientId: operator.clientId }, change }
}

/** An operator sets a password. @param subject Whose; null where there is no such person yet. */
export function settingOf(call: Call, subject: string | null, operation: string): PasswordSetting {
  const occasion = { api: null, clientId: null, subject, ...byOperator(call, { operation }) }
  return { occasion, context: call.context }
}

/** An event of an operator's change that ends nobody's tokens. */
export function adminEvent(
  call: Call,
  reason: string,
  about: Partial<AuditEvent> & { change: AuditedChange },
): AuditEvent {
  const nobody = { api: null, clientId: null, subject: null, sid: null }
  return { ...nobody, kind: 'admin', outcome: 'ok', reason, ...about, ...byOperator(call, about.change) }
}

/**
 * What was changed, as it is now.
 *
 * @param refused The problem where a rule of the store stood against it.
 * @throws Problem 404, 412 or that one
 */
export function requireChanged<T extends { version: number }>(
  outcome: EditOutcome<T>,
  what: string,
  refused: () => Problem,
): T {
  if (outcome.kind === 'stale') throw stale(formatEtag(outcome.record.version))
  if (outcome.kind === 'refused') throw refused()
  if (outcome.kind === 'missing' || outcome.record === null) throw notFound(what)
  return outcome.record
}

/** As above, of what was removed. @throws Problem */
export function requireRemoved<T extends { version: number }>(
  outcome: EditOutcome<T>,
  what: string,
  refused: () => Problem,
): void {
  if (outcome.kind === 'changed') return
  requireChanged(outcome, what, refused)
}
