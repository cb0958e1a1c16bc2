/** What happened. */
export type AuditKind =
  | 'issue'
  | 'sign_in_failure'
  | 'refresh'
  | 'refresh_refused'
  | 'retry'
  | 'theft'
  | 'merge'
  | 'revoke'
  | 'cut_off'
  | 'rehash'
  | 'key'

/** One line of the audit trail. Ids alone: no name, no token, no password, no secret. */
export interface AuditEvent {
  kind: AuditKind
  outcome: 'ok' | 'refused'
  /** Exactly why: what the caller is never told. */
  reason: string
  api: string | null
  clientId: string | null
  subject: string | null
  sid: string | null
}
