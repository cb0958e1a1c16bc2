import { AuditExportStore } from '../audit/audit_export_store.ts'
import { AuditQueryStore } from '../audit/audit_query_store.ts'
import { BatchedEventStore } from '../audit/batched_event_store.ts'
import { SessionEventStore } from '../audit/session_event_store.ts'
import { CallerBudget } from '../clients/caller_budget.ts'
import { ClientAdminStore } from '../clients/client_admin_store.ts'
import { ClientListStore } from '../clients/client_list_store.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { ClientSignOut } from '../sessions/client_sign_out.ts'
import { UserImportStore } from '../users/user_import_store.ts'
import { UserListStore } from '../users/user_list_store.ts'
import type { Environment } from './environment.ts'
import type { MaintenanceServices } from './maintenance_services.ts'
import type { Services } from './services.ts'

export type OperatorServices = ReturnType<typeof createOperatorServices>

/** Creates the keys, budgets and stores of the console and of the admin API. */
export function createOperatorServices(
  { env, sealingKeys, db }: Environment,
  {
    archivedEvents: archived,
    auditStores,
    ...services
  }: Services & Pick<MaintenanceServices, 'archivedEvents' | 'auditStores'>,
) {
  const { config, clock } = services
  const [first, ...others] = sealingKeys
  // Without the archive, the table has no batches, or a few of an earlier configuration.
  const hasMany = config.auditArchive !== null
  const databases = new Map(auditStores.map((store) => [store.binding, store.db]))
  const sources = { batched: new BatchedEventStore([...databases.values()], { clock, hasMany }), archived }
  const clientAdmin = new ClientAdminStore(db)
  return {
    clientAdmin,
    clientSignOut: new ClientSignOut({ ...services, clientAdmin }),
    /** Limits the searches of all callers and the changes of service accounts. */
    callerBudget: new CallerBudget(),
    /** Encrypts the cookies of the console. */
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    /** Authenticates the confirmations of operators. */
    confirmations: new KeyedHash(first, 'sallyport operator confirmation'),
    auditTrail: new AuditQueryStore(db, sources),
    auditExport: new AuditExportStore(db, { databases, bucket: env.AUDIT_ARCHIVE ?? null }),
    sessionEvents: new SessionEventStore(db, sources),
    clientList: new ClientListStore(db),
    userList: new UserListStore(services.userDatabases),
    userImports: new UserImportStore(services.userDatabases),
    /** One for each sealing key, in the same order. The first one is for new secrets. */
    idempotencyHashes: [idempotencyHash(first), ...others.map(idempotencyHash)] as const,
  }
}

function idempotencyHash(sealingKey: Environment['sealingKeys'][0]): KeyedHash {
  return new KeyedHash(sealingKey, 'sallyport idempotency keys')
}
