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
  const event = {
    kind: 'key',
    outcome: 'ok',
    reason,
    subject: by,
    api: null,
    clientId: null,
    sid: null,
  } as const
  // A request that happened to find a key due has no part in it.
  audit.record(event, by === null ? { ...context, addressPrefix: null } : context)
}
