import type { FailureCause } from '../oauth/failure_cause.ts'

/** The kind of an event. */
export const AUDIT_KINDS = [
  'issue',
  'browser_sign_in',
  'step_sign_in',
  'sign_up',
  'sign_in_failure',
  'lock',
  'refresh',
  'refresh_refused',
  'code_refused',
  'retry',
  'theft',
  'merge',
  'revoke',
  'cut_off',
  'key',
  'rehash',
  'breached_password',
  'unchecked_password',
  'factor',
  'notification',
  'account',
  'admin',
] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** The kinds of most events. With `audit_archive`, they go to the queue. The index of `IS_RARE` does not have them. */
export const DAILY_KINDS: readonly AuditKind[] = ['issue', 'refresh', 'retry']

/** The operator who caused an event. */
export interface Actor {
  subject: string
  clientId: string
}

/** A change by an operator: the names of the fields, and old and new values. Secret and personal values are left out. */
export interface AuditedChange {
  operation: string
  fields?: readonly string[]
  from?: Readonly<Record<string, unknown>>
  to?: Readonly<Record<string, unknown>>
}

/** One event of the audit trail. It has ids and never a name, token, password or secret. */
export interface AuditEvent {
  kind: AuditKind
  outcome: 'ok' | 'refused'
  /** The exact cause. A response never contains it. */
  reason: string
  api: string | null
  clientId: string | null
  subject: string | null
  sid: string | null
  /**
   * The grant that issued the tokens or refused the request; `guest` if a guest used the password grant. It is never a value from
   * the request. Absent for other events.
   */
  grant?: string
  /** Absent if no operator caused the event. */
  actor?: Actor
  /** Whether a confidential client sent the request. It selects the budget of the event and is not stored. */
  isFromClient?: boolean
  /** The time at which the session got the used refresh token, in Unix seconds. For statistics only; it is not stored. */
  previousTokenAt?: number
  /** The cause of a refused sign-in, refresh or exchange. For statistics only; it is not stored. */
  cause?: FailureCause
  change?: AuditedChange
}
