import type { Config } from '../config/config.ts'
import { HolderStore } from '../sessions/holder_store.ts'
import { ObjectDatabase } from '../sessions/object_database_store.ts'
import { RemoteObject } from '../sessions/remote_object_store.ts'
import { RevocationFeed } from '../sessions/revocation_feed.ts'
import { RevocationStore } from '../sessions/revocation_store.ts'
import { SessionEndingStore } from '../sessions/session_ending_store.ts'
import { SessionErasureStore } from '../sessions/session_erasure_store.ts'
import type { SessionStores } from '../sessions/session_group.ts'
import { openIndex } from '../sessions/session_index_store.ts'
import { SessionListStore } from '../sessions/session_list_store.ts'
import { SessionObjects } from '../sessions/session_objects.ts'
import { type OpeningIndex, SessionOpeningStore } from '../sessions/session_opening_store.ts'
import { SessionRotationStore } from '../sessions/session_rotation_store.ts'
import { SessionShards } from '../sessions/session_shards.ts'
import { SessionStore } from '../sessions/session_store.ts'
import { SignOut } from '../sessions/sign_out.ts'
import type { SqlDatabase } from '../storage/sql_database.ts'
import { databaseNameOf, HOME, unknownDatabase } from '../users/user_databases_store.ts'
import type { AuditServices } from './audit_services.ts'
import type { ClientServices } from './client_services.ts'
import { type Environment, MAIN_DATABASE } from './environment.ts'
import type { KeyServices } from './key_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices & AuditServices & ClientServices & UserServices & KeyServices

export type SessionServices = ReturnType<typeof createSessionServices>

/** Creates the services of sessions, their shards and the revocation feed. */
export function createSessionServices(environment: Environment, config: Config, dependencies: Dependencies) {
  const { keys, copies, lastResponses } = dependencies
  const holders = new HolderStore(dependencies.userDatabases)
  const revocations = new RevocationStore(environment.db)
  const revocationStores = createRevocationStores(environment, config, revocations)
  const { issuer, longestAccessTokenSeconds: windowSeconds } = config
  return {
    holders,
    /** The revocations of users, clients and single tokens. Each shard has a store for the revocations of its sessions. */
    revocations,
    /** The revocations of each database by the name of its binding. */
    revocationStores,
    shards: createShards(environment, config, holders),
    feed: new RevocationFeed({
      stores: revocationStores,
      keys,
      copies,
      lastResponses,
      issuer,
      windowSeconds,
    }),
    signOut: new SignOut({ ...dependencies, revocations, config }),
  }
}

function createShards(
  { db, databases, shardDatabases, sessionObjects }: Environment,
  config: Config,
  holders: HolderStore,
): SessionShards {
  const open = (of: SqlDatabase, openingIndex: OpeningIndex | null): SessionStores => ({
    sessions: new SessionStore(of, holders, config),
    rotations: new SessionRotationStore(of, holders.checkFor(of), config),
    openings: new SessionOpeningStore(of, holders, openingIndex),
    endings: new SessionEndingStore(of, config),
    list: new SessionListStore(of),
    erasure: new SessionErasureStore(of),
  })
  const shards = config.sessionShards.map((shard, i) => ({
    ...shard,
    ...open(shardDatabases[i] ?? db, null),
  }))
  if (config.sessionObjects === null || sessionObjects === null) return new SessionShards(shards, null)
  const { perMarket, isStrict, indexDatabases } = config.sessionObjects
  const index = openIndex(db, indexDatabases, (binding) => databases.get(binding) ?? db)
  const objects = new SessionObjects({
    perMarket,
    index,
    open: (place) => {
      const object = new RemoteObject(sessionObjects, place)
      const stores = open(new ObjectDatabase(object), index)
      return isStrict
        ? stores
        : { ...stores, rotations: object.rotations(config, (subject) => bindingOfUser(subject, config)) }
    },
  })
  return new SessionShards(shards, objects)
}

/** @throws StorageUnavailable if config.yml has no database of the user */
function bindingOfUser(subject: string, { userDatabases }: Config): string | null {
  const name = databaseNameOf(subject)
  if (name === HOME) return null
  const found = userDatabases?.databases.find((database) => database.name === name)
  if (found) return found.binding
  throw unknownDatabase(name)
}

/** Creates one store for each database. A shard may share the main database, and the feed must list each database once. */
function createRevocationStores(
  { db, shardDatabases, userDatabases }: Environment,
  { sessionShards, userDatabases: users }: Config,
  revocations: RevocationStore,
): ReadonlyMap<string, RevocationStore> {
  const bindings = new Map([
    ...shardDatabases.map((shardDb, i) => [shardDb, sessionShards[i]?.binding ?? ''] as const),
    ...userDatabases.map((database, i) => [database.db, users?.databases[i]?.binding ?? ''] as const),
    [db, MAIN_DATABASE],
  ])
  return new Map(
    [...bindings].map(([database, name]) => [
      name,
      database === db ? revocations : new RevocationStore(database),
    ]),
  )
}
