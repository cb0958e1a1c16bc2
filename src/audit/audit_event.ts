/** The kind of an event. */
export const AUDIT_KINDS = [
  'issue',
  'sign_in_failure',
  'lock',
  'refresh',
  'refresh_refused',
  'retry',
  'theft',
  'merge',
  'revoke',
  'cut_off',
  'key',
  'rehash',
  'breached_password',
  'unchecked_password',
  'admin',
] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** The operator who did it. */
export interface Actor {
  subject: string
  clientId: string
}

/** The change of an operator: the names of the fields, and the old and new values that are neither secret nor personal. */
export interface AuditedChange {
  operation: string
  fields?: readonly string[]
  from?: Readonly<Record<string, unknown>>
  to?: Readonly<Record<string, unknown>>
}

/** One event of the audit trail. It has only ids: no name, token, password or secret. */
export interface AuditEvent {
  kind: AuditKind
  outcome: 'ok' | 'refused'
  /** The exact cause. The response never has it. */
  reason: string
  api: string | null
  clientId: string | null
  subject: string | null
  sid: string | null
  /**
   * The grant that issued the tokens or refused the request; `guest` if a guest used the password grant. Never a value from
   * the request. Absent for other events.
   */
  grant?: string
  /** Absent where no operator did it. */
  actor?: Actor
  /** Whether a confidential client sent the request. Not stored: it decides whose budget the event uses. */
  isFromClient?: boolean
  /** When the session got the refresh token that was used, in Unix seconds. Not stored: the statistics need it. */
  previousTokenAt?: number
  change?: AuditedChange
}
