import { AuditErasureStore } from '../audit/audit_erasure_store.ts'
import { AuditQueryStore } from '../audit/audit_query_store.ts'
import { AuditStatisticsStore } from '../audit/audit_statistics_store.ts'
import { AuditStore } from '../audit/audit_store.ts'
import { SessionEventStore } from '../audit/session_event_store.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type AuditServices = ReturnType<typeof createAuditServices>

/** Creates the audit trail and its queries. */
export function createAuditServices({ db }: Environment, { bursts, later }: StorageServices) {
  return {
    audit: new AuditStore(db, { bursts, later }),
    auditErasure: new AuditErasureStore(db),
    auditTrail: new AuditQueryStore(db),
    sessionEvents: new SessionEventStore(db),
    statistics: new AuditStatisticsStore(db),
  }
}
