import { ArchiveErasureStore } from '../audit/archive_erasure_store.ts'
import { ArchivedEventStore } from '../audit/archived_event_store.ts'
import { AuditArchiveStore } from '../audit/audit_archive_store.ts'
import { AuditBatchStore } from '../audit/audit_batch_store.ts'
import { AuditErasureStore } from '../audit/audit_erasure_store.ts'
import { AuditOverflowStore } from '../audit/audit_overflow_store.ts'
import { AuditStatisticsStore } from '../audit/audit_statistics_store.ts'
import { FactorSealStore } from '../factors/factor_seal_store.ts'
import { KeyLife } from '../keys/key_life.ts'
import { KeyLifeStore } from '../keys/key_life_store.ts'
import { UnfinishedEndStore } from '../signin/unfinished_end_store.ts'
import { DatabaseSizeStore } from '../storage/database_size_store.ts'
import { ExpiredRowsStore } from '../storage/expired_rows_store.ts'
import { IdempotencyStore } from '../storage/idempotency_store.ts'
import { DueDeletionStore } from '../users/due_deletion_store.ts'
import { ErasureStore } from '../users/erasure_store.ts'
import { UserChangeStore } from '../users/user_change_store.ts'
import { UserDatabases } from '../users/user_databases_store.ts'
import { UserOutboxStore } from '../users/user_outbox_store.ts'
import { UserSearchStore } from '../users/user_search_store.ts'
import { type Environment, MAIN_DATABASE } from './environment.ts'
import type { Services } from './services.ts'

export type MaintenanceServices = ReturnType<typeof createMaintenanceServices>

/** Creates the services that only the cron trigger and operators need: no request for a token and no page of a sign-in uses them. */
export function createMaintenanceServices(environment: Environment, services: Services) {
  const { db, sealingKeys, userDatabases: further } = environment
  const { userDatabases, config, keyStore: store, keyMaker: maker, keys: ring, audit } = services
  return {
    ...createArchiveServices(environment, services),
    auditErasure: new AuditErasureStore(db),
    statistics: new AuditStatisticsStore(db),
    /** The life cycle of signing keys. */
    keyLife: new KeyLife({ store, lives: new KeyLifeStore(db), ring, maker, sealingKeys, config, audit }),
    factorSeals: new FactorSealStore(db),
    unfinishedEnds: new UnfinishedEndStore(db),
    erasures: new ErasureStore(userDatabases),
    dueDeletions: new DueDeletionStore(db),
    ...createUserMaintenance(userDatabases),
    /** One for each further database of users. */
    userOutboxes: further.map((database) => new UserOutboxStore(db, database)),
    /** The requests of the admin API that had an Idempotency-Key. */
    idempotency: new IdempotencyStore(db, further),
    databaseSizes: new DatabaseSizeStore(environment.databases),
  }
}

/** Creates one store for each database of users. */
function createUserMaintenance(databases: UserDatabases) {
  const all = databases.all()
  return {
    userChanges: all.map((db) => new UserChangeStore(db)),
    userSearches: all.map((db) => new UserSearchStore(db)),
    failureSweeps: all.map(
      (db) => new ExpiredRowsStore(db, { name: 'sign_in_failures', key: 'kind, key', time: 'expires_at' }),
    ),
    reservationSweeps:
      all.length === 1
        ? []
        : all.map(
            (db) =>
              new ExpiredRowsStore(db, {
                name: 'name_reservations',
                key: 'pool, username',
                time: 'expires_at',
              }),
          ),
  }
}

/** Creates the stores of batches and of the archive of audit events in R2. */
function createArchiveServices(
  { env, db, databases }: Environment,
  { config: { auditArchive, auditDatabases } }: Pick<Services, 'config'>,
) {
  const bucket = env.AUDIT_ARCHIVE ?? null
  const partitions = auditArchive?.partitions ?? 1
  const stores = [MAIN_DATABASE, ...auditDatabases.map(({ binding }) => binding)].map((binding) => {
    const of = databases.get(binding) ?? db
    return {
      binding,
      db: of,
      batches: new AuditBatchStore(of, partitions),
      /** Null without the binding `AUDIT_ARCHIVE`. */
      archive: bucket === null ? null : new AuditArchiveStore(of, bucket),
      erasures: new ErasureStore(new UserDatabases(of)),
    }
  })
  const archived = new ArchivedEventStore(
    stores.map((store) => store.db),
    bucket,
  )
  return {
    /** The stores of batches and of objects of each database, `DB` first. */
    auditStores: stores,
    archivedEvents: archived,
    archiveErasure: new ArchiveErasureStore(db, { databases: stores, archived }),
    /** Null if config.yml has no `audit_archive`: then the sweep removes the events above the maximum. */
    auditOverflow: auditArchive === null ? null : new AuditOverflowStore(db, partitions),
  }
}
