import type { RequestContext } from '../lib/request_context.ts'
import type { AuditEvent } from './audit_event.ts'
import type { AuditStore } from './audit_store.ts'
import { isFromClient } from './is_from_client.ts'

/** The members of a `ClientRequest` that an audit event needs. */
export interface AuditedRequest {
  client: { id: string; authentication: { method: string } }
  api: { name: string }
  context: RequestContext
}

/** Records the audit event of a successful request, after its response is sent. */
export function auditSuccess(
  event: Pick<AuditEvent, 'kind' | 'reason' | 'subject' | 'sid' | 'grant' | 'previousTokenAt'>,
  { client, api, context }: AuditedRequest,
  { audit }: { audit: AuditStore },
): void {
  const caller = { api: api.name, clientId: client.id, isFromClient: isFromClient(client) }
  audit.record({ ...event, outcome: 'ok', ...caller }, context)
}
