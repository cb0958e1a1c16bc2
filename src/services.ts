import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { AuditQueryStore } from './audit/audit_query_store.ts'
import { AuditStore } from './audit/audit_store.ts'
import { ClientAdminStore } from './clients/client_admin_store.ts'
import { ClientStore } from './clients/client_store.ts'
import { ClientUseStore } from './clients/client_use_store.ts'
import { OriginStore } from './clients/origin_store.ts'
import type { Config } from './config/config.ts'
import type { GrantServices } from './grants/grant.ts'
import { KeyRing } from './keys/key_ring.ts'
import { KeyStore } from './keys/key_store.ts'
import { parseSealingKey, type SealingKey } from './keys/sealing.ts'
import type { Clock } from './lib/clock.ts'
import { CutoffStore } from './sessions/cutoff_store.ts'
import { RevocationFeed } from './sessions/revocation_feed.ts'
import { SessionListStore } from './sessions/session_list_store.ts'
import { SessionShards } from './sessions/session_shards.ts'
import { SessionStore } from './sessions/session_store.ts'
import { SignOut } from './sessions/sign_out.ts'
import { sweep } from './sessions/sweep.ts'
import { ReadCopyStore } from './storage/read_copy_store.ts'
import { ReadinessStore } from './storage/readiness_store.ts'
import { PasswordHasher } from './users/password_hash.ts'
import { UserAdminStore } from './users/user_admin_store.ts'
import { UserStore } from './users/user_store.ts'

/** The bindings and secrets of the Worker: wrangler.toml has the bindings, `wrangler secret` the secrets. */
export interface Env {
  DB: D1Database
  KV: KVNamespace
  /** 256 random bits as base64url, under which the private signing keys are stored. */
  SEALING_KEY: string
  /** The port of a local server, where it is not that of config.yml. */
  LOCAL_PORT?: string
}

/** Everything that a request may need, made once in an isolate. */
export interface Services extends GrantServices {
  clock: Clock
  origins: OriginStore
  clientUse: ClientUseStore
  /** What operators list and change. */
  clientAdmin: ClientAdminStore
  userAdmin: UserAdminStore
  auditTrail: AuditQueryStore
  /** Those of people, clients and single tokens; each shard has its own for its sessions. */
  cutoffs: CutoffStore
  /** Those and the shards', each database once. */
  cutoffStores: readonly CutoffStore[]
  feed: RevocationFeed
  signOut: SignOut
  readiness: ReadinessStore
}

/** The Worker is not set up. The message names each binding or secret that is missing and says what to do. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** @throws EnvironmentError */
export function createServices(env: Partial<Env>, config: Config, clock: Clock): Services {
  const { db, kv, sealingKey, shardDatabases } = requireEnvironment(env, config)
  const copies = new ReadCopyStore(kv)
  const clients = new ClientStore(db, copies)
  const users = new UserStore(db)
  const clientAdmin = new ClientAdminStore(db)
  const userAdmin = new UserAdminStore(db)
  const audit = new AuditStore(db)
  const cutoffs = new CutoffStore(db)
  const keys = new KeyRing({ store: new KeyStore(db, copies), sealingKey, config })
  const shards = new SessionShards(
    config.sessionShards.map((shard, i) => {
      const shardDb = shardDatabases[i] ?? db
      return { ...shard, sessions: new SessionStore(shardDb), list: new SessionListStore(shardDb) }
    }),
  )
  // A shard may share the main database, and no cut-off is to be listed twice.
  const otherDatabases = [...new Set(shardDatabases)].filter((shardDb) => shardDb !== db)
  const cutoffStores = [cutoffs, ...otherDatabases.map((shardDb) => new CutoffStore(shardDb))]
  const feed = new RevocationFeed({
    stores: cutoffStores,
    keys,
    copies,
    issuer: config.issuer,
    windowSeconds: config.longestAccessTokenSeconds,
  })
  return {
    ...{
      config,
      clock,
      clients,
      users,
      audit,
      cutoffs,
      cutoffStores,
      keys,
      shards,
      feed,
      clientAdmin,
      userAdmin,
    },
    origins: new OriginStore(db, copies),
    clientUse: new ClientUseStore(db),
    auditTrail: new AuditQueryStore(db),
    passwords: new PasswordHasher(argon2Module, config.passwordHash),
    signOut: new SignOut({ userAdmin, clients, clientAdmin, cutoffs, audit }),
    readiness: new ReadinessStore(new Set([db, ...shardDatabases]), kv),
  }
}

interface Environment {
  db: D1Database
  kv: KVNamespace
  sealingKey: SealingKey
  /** In the order of the shards in config.yml. */
  shardDatabases: D1Database[]
}

function requireEnvironment(env: Partial<Env>, config: Config): Environment {
  const sealingKey = parseSealingKey(env.SEALING_KEY ?? '')
  const bindings = new Map(Object.entries(env))
  const missing = new Set(
    ['DB', 'KV', ...config.sessionShards.map((shard) => shard.binding)].filter((name) => !bindings.get(name)),
  )
  if (env.DB && env.KV && sealingKey && missing.size === 0) {
    const shardDatabases = config.sessionShards.map((shard) => bindings.get(shard.binding) as D1Database)
    return { db: env.DB, kv: env.KV, sealingKey, shardDatabases }
  }
  const problems = [...missing].map((name) => `the binding ${name} is missing: add it to wrangler.toml`)
  if (!sealingKey) {
    problems.push(
      'the secret SEALING_KEY is missing or is not 32 bytes in base64url: set it by `npx wrangler secret put SEALING_KEY`',
    )
  }
  throw new EnvironmentError(problems.join('; '))
}

/** Removes what has expired from every store: what the cron trigger does. */
export function sweepStores({
  shards,
  cutoffStores: cutoffs,
  audit,
  config,
  clock,
}: Services): Promise<void> {
  const { longestAccessTokenSeconds: cutoffWindowSeconds, auditRetentionSeconds } = config
  return sweep({ shards, cutoffs, audit, cutoffWindowSeconds, auditRetentionSeconds }, clock.now())
}
