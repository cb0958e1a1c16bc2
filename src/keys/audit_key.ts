import type { Actor } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import { compact } from '../lib/compact.ts'
import type { RequestContext } from '../lib/request_context.ts'

interface Occasion {
  audit: AuditStore
  context: RequestContext
  /** The operator who asked for it; null where it came by itself. */
  by: Actor | null
}

/** Puts into the audit trail what became of a key. */
export function auditKey(reason: string, { audit, context, by }: Occasion): void {
  const event = compact({
    kind: 'key',
    outcome: 'ok',
    reason,
    subject: null,
    api: null,
    clientId: null,
    sid: null,
    actor: by ?? undefined,
  })
  // A request that happened to find a key due has no part in it.
  audit.record(event, by === null ? { ...context, addressPrefix: null } : context)
}
