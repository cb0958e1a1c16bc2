import type { AuditEvent } from '../audit/audit_event.ts'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest, GrantServices } from './grant.ts'

/** Records the audit event of a successful request, after its response is sent. */
export function auditSuccess(
  event: Pick<AuditEvent, 'kind' | 'reason' | 'subject' | 'sid' | 'previousTokenAt'>,
  { client, api, context }: ClientRequest,
  { audit }: Pick<GrantServices, 'audit'>,
): void {
  const caller = { api: api.name, clientId: client.id, isFromClient: isConfidential(client) }
  audit.record({ ...event, outcome: 'ok', ...caller }, context)
}
