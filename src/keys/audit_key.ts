import type { Actor } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import { compact } from '../lib/compact.ts'
import type { RequestContext } from '../lib/request_context.ts'

interface Occasion {
  audit: AuditStore
  context: RequestContext
  /** The operator who requested the change; null for an automatic change. */
  by: Actor | null
}

/** The beginning of the reason in the event of a revoked key. */
export function reasonOfRevocation(kid: string): string {
  return `revoked the compromised key ${kid}`
}

/** Records a change of a key in the audit trail. */
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
  // An automatic change is not linked to the IP address of the request that triggered it.
  audit.record(
    event,
    by === null ? { ...context, addressPrefix: null, device: null, country: null } : context,
  )
}
