import type { AuditEvent } from '../audit/audit_event.ts'
import type { ClientRequest, GrantServices } from './grant.ts'

/** Records what was done, after the answer is sent. */
export function auditSuccess(
  event: Pick<AuditEvent, 'kind' | 'reason' | 'subject' | 'sid'>,
  { client, api, context }: ClientRequest,
  { audit }: Pick<GrantServices, 'audit'>,
): void {
  audit.record({ ...event, outcome: 'ok', api: api.name, clientId: client.id }, context)
}
