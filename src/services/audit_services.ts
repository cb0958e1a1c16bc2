import { AuditBatchStore } from '../audit/audit_batch_store.ts'
import { AuditDeliveryStore } from '../audit/audit_delivery_store.ts'
import { AuditQueue } from '../audit/audit_queue.ts'
import { AuditStore } from '../audit/audit_store.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type AuditServices = ReturnType<typeof createAuditServices>

/** Creates the audit trail. */
export function createAuditServices(
  { env, db, databases }: Environment,
  { auditArchive, auditDatabases }: Pick<Config, 'auditArchive' | 'auditDatabases'>,
  { bursts, deferred }: StorageServices,
) {
  const open = (of: D1Database) => new AuditBatchStore(of, auditArchive?.partitions ?? 1)
  const auditBatches = new AuditDeliveryStore({
    main: open(db),
    others: new Map(auditDatabases.map(({ binding }) => [binding, open(databases.get(binding) ?? db)])),
  })
  const producer = auditArchive === null ? undefined : env.AUDIT_QUEUE
  const used = auditDatabases.filter(({ takesNewEvents }) => takesNewEvents).map(({ binding }) => binding)
  const queue = producer === undefined ? null : new AuditQueue(producer, auditBatches, used)
  return {
    audit: new AuditStore(db, { bursts, deferred, queue }),
    auditBatches,
  }
}
