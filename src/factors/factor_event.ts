import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** Who changes a factor, for the audit trail. */
export interface FactorChange {
  subject: string
  clientId: string | null
  api: string | null
}

/** The statement that records a change of a factor, if the statement before it changed a row. */
export function recordFactorChange(
  reason: string,
  { subject, clientId, api }: FactorChange,
  { audit, context }: { audit: AuditStore; context: RequestContext },
) {
  const event = { kind: 'factor', outcome: 'ok', reason, subject, clientId, api, sid: null } as const
  return audit.additionIfChanged(event, context)
}
