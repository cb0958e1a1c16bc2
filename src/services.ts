import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { ClientStore } from './clients/client_store.ts'
import { OriginStore } from './clients/origin_store.ts'
import type { Config } from './config/config.ts'
import type { GrantServices } from './grants/grant.ts'
import { KeyRing } from './keys/key_ring.ts'
import { KeyStore } from './keys/key_store.ts'
import { parseSealingKey } from './keys/sealing.ts'
import type { Clock } from './lib/clock.ts'
import { ReadCopyStore } from './lib/read_copy_store.ts'
import { ReadinessStore } from './lib/readiness_store.ts'
import { SessionStore } from './sessions/session_store.ts'
import { PasswordHasher } from './users/password_hash.ts'
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
  clients: ClientStore
  origins: OriginStore
  readiness: ReadinessStore
}

/** The Worker is not set up. The message names each binding or secret that is missing and says what to do. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** @throws EnvironmentError */
export function createServices(env: Partial<Env>, config: Config, clock: Clock): Services {
  const { db, kv, sealingKey } = requireEnvironment(env)
  const copies = new ReadCopyStore(kv)
  return {
    config,
    clock,
    clients: new ClientStore(db, copies),
    origins: new OriginStore(db, copies),
    users: new UserStore(db),
    passwords: new PasswordHasher(argon2Module, config.passwordHash),
    keys: new KeyRing({ store: new KeyStore(db, copies), sealingKey, config }),
    sessions: new SessionStore(db),
    readiness: new ReadinessStore(db, kv),
  }
}

function requireEnvironment(env: Partial<Env>) {
  const sealingKey = parseSealingKey(env.SEALING_KEY ?? '')
  if (env.DB && env.KV && sealingKey) return { db: env.DB, kv: env.KV, sealingKey }
  const problems = [
    !env.DB && 'the D1 binding DB is missing: add it to wrangler.toml',
    !env.KV && 'the KV binding KV is missing: add it to wrangler.toml',
    !sealingKey &&
      'the secret SEALING_KEY is missing or is not 32 bytes in base64url: set it by `npx wrangler secret put SEALING_KEY`',
  ]
  throw new EnvironmentError(problems.filter((problem) => problem !== false).join('; '))
}
