import type { Actor, AuditEvent, AuditedChange } from '../audit/audit_event.ts'
import type { EditOutcome } from '../lib/edit.ts'
import type { Concerned } from '../mail/news.ts'
import type { PasswordSetting } from '../users/create_user.ts'
import type { Call } from './operation.ts'
import { notFound, type Problem, stale } from './problem.ts'
import { formatEtag } from './read_input.ts'

/** The operator or the service account of a call, for the audit trail. */
export function actorOf({ caller }: Call): Actor {
  const { clientId } = caller
  return { subject: caller.kind === 'operator' ? caller.user.id : clientId, clientId }
}

/** The members of an audit event for a change by the caller. */
export function byCaller(call: Call, change: AuditedChange): Pick<AuditEvent, 'actor' | 'change'> {
  return { actor: actorOf(call), change }
}

/** The user of a notification about a change by the caller. */
export function concernedBy({ caller }: Pick<Call, 'caller'>, subject: string): Concerned {
  return { subject, api: null, clientId: caller.clientId }
}

/** The audit event of a password that the caller sets. @param subject The user's id; null for a new user */
export function settingOf(call: Call, subject: string | null, operation: string): PasswordSetting {
  const occasion = { api: null, clientId: null, subject, ...byCaller(call, { operation }) }
  return { occasion, context: call.context }
}

/** The audit event of a change that revokes no tokens. */
export function adminEvent(
  call: Call,
  reason: string,
  about: Partial<AuditEvent> & { change: AuditedChange },
): AuditEvent {
  const noTarget = { api: null, clientId: null, subject: null, sid: null }
  return { ...noTarget, kind: 'admin', outcome: 'ok', reason, ...about, ...byCaller(call, about.change) }
}

/**
 * Returns the changed record.
 *
 * @param refused Creates the problem if the store refused the change by a rule.
 * @throws Problem 404, 412 or the problem of `refused`
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

/** Checks that a record was removed. @throws Problem 404, 412 or the problem of `refused` */
export function requireRemoved<T extends { version: number }>(
  outcome: EditOutcome<T>,
  what: string,
  refused: () => Problem,
): void {
  if (outcome.kind === 'changed') return
  requireChanged(outcome, what, refused)
}
