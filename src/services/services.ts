import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { type HashKeys, parseHashKeys } from '@sallyport/formats/schemes/hash_keys'
import { AuditQueryStore } from '../audit/audit_query_store.ts'
import { AuditStatisticsStore } from '../audit/audit_statistics_store.ts'
import { AuditStore } from '../audit/audit_store.ts'
import { ClientAdminStore } from '../clients/client_admin_store.ts'
import { ClientStore } from '../clients/client_store.ts'
import { ClientTableStore } from '../clients/client_table_store.ts'
import { ClientUseStore } from '../clients/client_use_store.ts'
import { OriginStore } from '../clients/origin_store.ts'
import type { Config } from '../config/config.ts'
import type { GrantServices } from '../grants/grant.ts'
import { KeyLife } from '../keys/key_life.ts'
import { KeyLifeStore } from '../keys/key_life_store.ts'
import { KeyMaker } from '../keys/key_maker.ts'
import { KeyRing } from '../keys/key_ring.ts'
import { KeyStore } from '../keys/key_store.ts'
import { parseSealingKey, type SealingKeys } from '../keys/sealing.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import type { Clock } from '../lib/clock.ts'
import { InFlight } from '../lib/in_flight.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { CutoffStore } from '../sessions/cutoff_store.ts'
import { HolderStore } from '../sessions/holder_store.ts'
import { RevocationFeed } from '../sessions/revocation_feed.ts'
import { SessionListStore } from '../sessions/session_list_store.ts'
import { SessionShards } from '../sessions/session_shards.ts'
import { SessionStore } from '../sessions/session_store.ts'
import { SignOut } from '../sessions/sign_out.ts'
import { SuspectSessionEnder } from '../sessions/suspect_sessions.ts'
import { type BurstBindings, BurstLimits } from '../storage/burst_limits.ts'
import { ChangeListStore } from '../storage/change_list_store.ts'
import { CopyMac } from '../storage/copy_mac.ts'
import { DatabaseSizeStore } from '../storage/database_size_store.ts'
import { LastResponseStore } from '../storage/last_response_store.ts'
import { ReadCopyStore } from '../storage/read_copy_store.ts'
import { ReadinessStore } from '../storage/readiness_store.ts'
import { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import { Challenge } from '../users/challenge/challenge.ts'
import { FailureStore } from '../users/failure_store.ts'
import { PasswordHasher } from '../users/password_hash.ts'
import { SignInGuard } from '../users/sign_in_guard.ts'
import { UserAdminStore } from '../users/user_admin_store.ts'
import { UserImportStore } from '../users/user_import_store.ts'
import { UserStore } from '../users/user_store.ts'

/** The binding of the main database. Other shards have only sessions and their cut-offs. */
export const MAIN_DATABASE = 'DB'

/** The bindings and secrets of the Worker: wrangler.toml has the bindings, `wrangler secret` the secrets. */
export interface Env extends BurstBindings {
  DB: D1Database
  KV: KVNamespace
  /** 256 random bits as base64url, under which the private signing keys are stored. */
  SEALING_KEY: string
  /** The secret that is to take its place, while it is being changed. */
  SEALING_KEY_NEXT?: string
  /** JSON: keys of other systems that their password hashes need (docs/password-hashes.md#keys). */
  HASH_KEYS?: string
  /** The secret of this server at the service of `challenge` in config.yml. */
  CHALLENGE_SECRET?: string
  /** The port of a local server, where it is not that of config.yml. */
  LOCAL_PORT?: string
}

/** Everything that a request may need, made once in an isolate. */
export interface Services extends GrantServices {
  clock: Clock
  /** The requests of this isolate. */
  inFlight: InFlight
  /** Which copies are outdated. */
  changes: ChangeListStore
  origins: OriginStore
  clientUse: ClientUseStore
  /** What operators list and change. */
  clientAdmin: ClientAdminStore
  userAdmin: UserAdminStore
  userImports: UserImportStore
  auditTrail: AuditQueryStore
  statistics: AuditStatisticsStore
  databaseSizes: DatabaseSizeStore
  /** Whom a token is for, as the database has them now. */
  holders: HolderStore
  /** Those of people, clients and single tokens; each shard has its own for its sessions. */
  cutoffs: CutoffStore
  /** The cut-offs of the main database and of the shards, each database once, by the name of its binding. */
  cutoffStores: ReadonlyMap<string, CutoffStore>
  feed: RevocationFeed
  keyLife: KeyLife
  signOut: SignOut
  failures: FailureStore
  readiness: ReadinessStore
  /** What seals the cookies of the console. */
  consoleSealer: TextSealer
  /** Authenticates the confirmations of operators. */
  confirmations: KeyedHash
}

/** The Worker is not set up. The message names each binding or secret that is missing and says what to do. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/**
 * @param auditGatherMs How long audit events are gathered for one write, where not as long as usual.
 * @throws EnvironmentError
 */
export function createServices(
  env: Partial<Env>,
  config: Config,
  clock: Clock,
  auditGatherMs?: number,
): Services {
  const { db, kv, sealingKeys, hashKeys, shardDatabases } = requireEnvironment(env, config)
  const mac = new CopyMac(sealingKeys)
  const copies = new ReadCopyStore(kv, mac)
  const lastResponses = new LastResponseStore(config.issuer, mac)
  const clientTable = new ClientTableStore(db)
  const changes = new ChangeListStore(db)
  const clients = new ClientStore({ table: clientTable, copies, changes })
  const users = new UserStore(db)
  const clientAdmin = new ClientAdminStore(db)
  const userAdmin = new UserAdminStore(db)
  const bursts = new BurstLimits(env)
  const audit = new AuditStore(db, { bursts, gatherMs: auditGatherMs })
  const cutoffs = new CutoffStore(db)
  const signOut = new SignOut({ userAdmin, clients, clientAdmin, cutoffs, audit, config })
  const { signInLimits: limits } = config
  const inFlight = new InFlight()
  const failures = new FailureStore(db, limits.memorySeconds)
  const names = new KeyedHash(sealingKeys[0], 'sallyport sign-in failures')
  const store = new KeyStore({ db, copies, changes })
  const maker = new KeyMaker({ store, sealingKeys, config, audit })
  const keys = new KeyRing({ store, maker, lastResponses, sealingKeys, config })
  const lives = new KeyLifeStore(db)
  const holders = new HolderStore(db)
  const shards = new SessionShards(
    config.sessionShards.map((shard, i) => {
      const shardDb = shardDatabases[i] ?? db
      return {
        ...shard,
        sessions: new SessionStore(shardDb, holders, config),
        list: new SessionListStore(shardDb),
      }
    }),
  )
  // A shard may share the main database, and no cut-off is to be listed twice.
  const bindings = new Map([
    ...shardDatabases.map((shardDb, i) => [shardDb, config.sessionShards[i]?.binding ?? ''] as const),
    [db, 'DB'],
  ])
  const cutoffStores = new Map(
    [...bindings].map(([database, name]) => [name, database === db ? cutoffs : new CutoffStore(database)]),
  )
  const feed = new RevocationFeed({
    stores: cutoffStores,
    keys,
    copies,
    lastResponses,
    issuer: config.issuer,
    windowSeconds: config.longestAccessTokenSeconds,
  })
  return {
    config,
    clock,
    inFlight,
    clients,
    clientTable,
    changes,
    users,
    audit,
    holders,
    cutoffs,
    cutoffStores,
    keys,
    shards,
    feed,
    clientAdmin,
    userAdmin,
    userImports: new UserImportStore(db),
    keyLife: new KeyLife({ store, lives, ring: keys, maker, sealingKeys, config, audit }),
    origins: new OriginStore(db, copies),
    clientUse: new ClientUseStore(db),
    auditTrail: new AuditQueryStore(db),
    statistics: new AuditStatisticsStore(db),
    databaseSizes: new DatabaseSizeStore(databasesByBinding(db, config, shardDatabases)),
    passwords: new PasswordHasher(argon2Module, config.passwordHash, {
      limits: config.passwordQueue,
      inFlight,
      keys: hashKeys,
    }),
    breaches: new BreachedPasswords(config.breachedPasswords, audit),
    guard: new SignInGuard({
      failures,
      names,
      limits,
      audit,
      bursts,
      suspects: new SuspectSessionEnder({ shards, signOut, audit }),
    }),
    challenge: new Challenge(config, env.CHALLENGE_SECRET ?? null),
    bursts,
    failures,
    signOut,
    readiness: new ReadinessStore(new Set([db, ...shardDatabases]), kv),
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    confirmations: new KeyedHash(sealingKeys[0], 'sallyport operator confirmation'),
  }
}

function databasesByBinding(
  db: D1Database,
  { sessionShards }: Config,
  shardDatabases: readonly D1Database[],
) {
  const shards = sessionShards.map(({ binding }, i): [string, D1Database] => [
    binding,
    shardDatabases[i] ?? db,
  ])
  return new Map([[MAIN_DATABASE, db], ...shards])
}

interface Environment {
  db: D1Database
  kv: KVNamespace
  sealingKeys: SealingKeys
  hashKeys: HashKeys
  /** In the order of the shards in config.yml. */
  shardDatabases: D1Database[]
}

function requireEnvironment(env: Partial<Env>, config: Config): Environment {
  const sealingKey = parseSealingKey(env.SEALING_KEY ?? '')
  const nextSealingKey = env.SEALING_KEY_NEXT ? parseSealingKey(env.SEALING_KEY_NEXT) : undefined
  const hashKeys = parseHashKeys(env.HASH_KEYS)
  const bindings = new Map(Object.entries(env))
  const missing = new Set(
    ['DB', 'KV', ...config.sessionShards.map((shard) => shard.binding)].filter((name) => !bindings.get(name)),
  )
  const lacksChallenge = config.challenge !== null && !env.CHALLENGE_SECRET
  const isComplete = missing.size === 0 && !lacksChallenge
  if (env.DB && env.KV && sealingKey && nextSealingKey !== null && hashKeys && isComplete) {
    const shardDatabases = config.sessionShards.map((shard) => bindings.get(shard.binding) as D1Database)
    const sealingKeys: SealingKeys = nextSealingKey ? [nextSealingKey, sealingKey] : [sealingKey]
    return { db: env.DB, kv: env.KV, sealingKeys, hashKeys, shardDatabases }
  }
  const problems = [...missing].map((name) => `the binding ${name} is missing: add it to wrangler.toml`)
  if (!sealingKey) {
    problems.push(
      'the secret SEALING_KEY is missing or is not 32 bytes in base64url: set it by `npx wrangler secret put SEALING_KEY`',
    )
  }
  if (nextSealingKey === null) problems.push('the secret SEALING_KEY_NEXT is not 32 bytes in base64url')
  if (lacksChallenge)
    problems.push('the secret CHALLENGE_SECRET is missing, which challenge in config.yml needs')
  if (hashKeys === null) problems.push('the secret HASH_KEYS is not a JSON object of known keys')
  throw new EnvironmentError(problems.join('; '))
}
