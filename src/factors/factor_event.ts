import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** The account whose factor changes, and the client and the API of the change. */
export interface ChangedAccount {
  subject: string
  clientId: string | null
  api: string | null
}

/** The statement that records a change of a factor, if the statement before it changed a row. */
export function recordFactorChange(
  reason: string,
  { subject, clientId, api }: ChangedAccount,
  { audit, context }: { audit: AuditStore; context: RequestContext },
) {
  const event = { kind: 'factor', outcome: 'ok', reason, subject, clientId, api, sid: null } as const
  return audit.additionIfChanged(event, context)
}
