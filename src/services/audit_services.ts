import { AuditBatchStore } from '../audit/audit_batch_store.ts'
import { AuditQueue } from '../audit/audit_queue.ts'
import { AuditStore } from '../audit/audit_store.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type AuditServices = ReturnType<typeof createAuditServices>

/** Creates the audit trail. */
export function createAuditServices(
  { env, db }: Environment,
  { auditArchive }: Pick<Config, 'auditArchive'>,
  { bursts, later }: StorageServices,
) {
  const auditBatches = new AuditBatchStore(db, auditArchive?.partitions ?? 1)
  const binding = auditArchive === null ? undefined : env.AUDIT_QUEUE
  const queue = binding === undefined ? null : new AuditQueue(binding, auditBatches)
  return {
    audit: new AuditStore(db, { bursts, later, queue }),
    auditBatches,
  }
}
