import { ArchiveErasureStore } from '../audit/archive_erasure_store.ts'
import { ArchivedEventStore } from '../audit/archived_event_store.ts'
import { AuditArchiveStore } from '../audit/audit_archive_store.ts'
import { AuditErasureStore } from '../audit/audit_erasure_store.ts'
import { AuditOverflowStore } from '../audit/audit_overflow_store.ts'
import { AuditStatisticsStore } from '../audit/audit_statistics_store.ts'
import { FactorSealStore } from '../factors/factor_seal_store.ts'
import { KeyLife } from '../keys/key_life.ts'
import { KeyLifeStore } from '../keys/key_life_store.ts'
import { DatabaseSizeStore } from '../storage/database_size_store.ts'
import { IdempotencyStore } from '../storage/idempotency_store.ts'
import { ErasureStore } from '../users/erasure_store.ts'
import { UserChangeStore } from '../users/user_change_store.ts'
import { UserSearchStore } from '../users/user_search_store.ts'
import { databasesByBinding, type Environment } from './environment.ts'
import type { Services } from './services.ts'

export type MaintenanceServices = ReturnType<typeof createMaintenanceServices>

/** Creates the services that only the cron trigger and operators need: no request for a token and no page of a sign-in uses them. */
export function createMaintenanceServices(environment: Environment, services: Services) {
  const { db, sealingKeys } = environment
  const { config, keyStore: store, keyMaker: maker, keys: ring, audit } = services
  return {
    ...createArchiveServices(environment, services),
    auditErasure: new AuditErasureStore(db),
    statistics: new AuditStatisticsStore(db),
    /** The life cycle of signing keys. */
    keyLife: new KeyLife({ store, lives: new KeyLifeStore(db), ring, maker, sealingKeys, config, audit }),
    factorSeals: new FactorSealStore(db),
    erasures: new ErasureStore(db),
    userChanges: new UserChangeStore(db),
    userSearch: new UserSearchStore(db),
    /** The requests of the admin API that had an Idempotency-Key. */
    idempotency: new IdempotencyStore(db),
    databaseSizes: new DatabaseSizeStore(databasesByBinding(environment, config)),
  }
}

/** Creates the archive of audit events in R2. */
function createArchiveServices(
  { env, db }: Environment,
  { config: { auditArchive } }: Pick<Services, 'config'>,
) {
  const bucket = env.AUDIT_ARCHIVE ?? null
  const archived = new ArchivedEventStore(db, bucket)
  const archive = bucket === null ? null : new AuditArchiveStore(db, bucket)
  return {
    /** Null without the binding `AUDIT_ARCHIVE`. */
    auditArchive: archive,
    archivedEvents: archived,
    archiveErasure: new ArchiveErasureStore(db, { archive, archived }),
    /** Null if config.yml has no `audit_archive`: then the sweep removes the events above the maximum. */
    auditOverflow: auditArchive === null ? null : new AuditOverflowStore(db, auditArchive.partitions),
  }
}
