import type { AuditEvent } from './audit_event.ts'
import type { ClientRequest, GrantServices } from '../grants/grant.ts'

/** Records the audit event of a successful request, after its response is sent. */
export function auditSuccess(
  event: Pick<AuditEvent, 'kind' | 'reason' | 'subject' | 'sid' | 'previousTokenAt'>,
  { client, api, context }: ClientRequest,
  { audit }: Pick<GrantServices, 'audit'>,
): void {
  const caller = { api: api.name, clientId: client.id, isFromClient: client.confidential }
  audit.record({ ...event, outcome: 'ok', ...caller }, context)
}
