import argon2Module from '@phi-ag/argon2/argon2.wasm'
import type { Config } from '../config/config.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { SuspectSessionEnder } from '../sessions/suspect_sessions.ts'
import { BrowserSessionStore } from '../signin/browser_session_store.ts'
import { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import { Challenge } from '../users/challenge/challenge.ts'
import { FailureStore } from '../users/failure_store.ts'
import { PasswordHasher } from '../users/password_hash.ts'
import { SignInGuard } from '../users/sign_in_guard.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { SessionServices } from './session_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices & AuditServices & SessionServices & UserServices

export type SignInServices = ReturnType<typeof createSignInServices>

/** Creates the checks of a sign-in: the password, failed attempts, the challenge and known breaches. */
export function createSignInServices(
  { env, db, sealingKeys, hashKeys }: Environment,
  config: Config,
  { inFlight, bursts, deferred, audit, shards, signOut, userDatabases: databases }: Dependencies,
) {
  const { signInLimits: limits, passwordQueue, passwordHash, breachedPasswords } = config
  const failures = new FailureStore(databases, { memorySeconds: limits.memorySeconds, deferred })
  const names = new KeyedHash(sealingKeys[0], 'sallyport sign-in failures')
  const browserSessions = new BrowserSessionStore(db)
  const suspects = new SuspectSessionEnder({ shards, signOut, audit, browserSessions })
  return {
    browserSessions,
    failures,
    passwords: new PasswordHasher(argon2Module, passwordHash, {
      limits: passwordQueue,
      inFlight,
      keys: hashKeys,
    }),
    breaches: new BreachedPasswords(breachedPasswords, audit),
    guard: new SignInGuard({ databases, failures, names, limits, audit, bursts, suspects }),
    challenge: new Challenge(config, env.CHALLENGE_SECRET ?? null),
  }
}
