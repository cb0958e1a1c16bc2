import { ArchiveErasureStore } from '../audit/archive_erasure_store.ts'
import { ArchivedEventStore } from '../audit/archived_event_store.ts'
import { AuditArchiveStore } from '../audit/audit_archive_store.ts'
import { AuditBatchStore } from '../audit/audit_batch_store.ts'
import { AuditErasureStore } from '../audit/audit_erasure_store.ts'
import { AuditOverflowStore } from '../audit/audit_overflow_store.ts'
import { AuditQueue } from '../audit/audit_queue.ts'
import { AuditStatisticsStore } from '../audit/audit_statistics_store.ts'
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
  const bucket = env.AUDIT_ARCHIVE ?? null
  const archived = new ArchivedEventStore(db, bucket)
  const archive = bucket === null ? null : new AuditArchiveStore(db, bucket)
  const queue = binding === undefined ? null : new AuditQueue(binding, auditBatches)
  return {
    audit: new AuditStore(db, { bursts, later, queue }),
    auditBatches,
    auditErasure: new AuditErasureStore(db),
    /** Null without the binding `AUDIT_ARCHIVE`. */
    auditArchive: archive,
    archivedEvents: archived,
    archiveErasure: new ArchiveErasureStore(db, { archive, archived }),
    /** Null if config.yml has no `audit_archive`: then the sweep removes the events above the maximum. */
    auditOverflow: auditArchive === null ? null : new AuditOverflowStore(db, auditArchive.partitions),
    statistics: new AuditStatisticsStore(db),
  }
}
