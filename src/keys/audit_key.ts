import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'

interface Occasion {
  audit: AuditStore
  context: RequestContext
  /** The subject of the operator who asked for it; null where it came by itself. */
  by: string | null
}

/** Puts into the audit trail what became of a key. */
export function auditKey(reason: string, { audit, context, by }: Occasion): void {
  const nobody = { api: null, clientId: null, sid: null }
  audit.record({ kind: 'key', outcome: 'ok', reason, subject: by, ...nobody }, context)
}
