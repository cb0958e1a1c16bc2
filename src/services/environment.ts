import { type HashKeys, parseHashKeys } from '@sallyport/formats/schemes/hash_keys'
import type { AuditQueueBinding } from '../audit/audit_queue.ts'
import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/origin.ts'
import { parseSealingKey, type SealingKeys } from '../keys/sealing.ts'
import type { EmailBinding } from '../mail/binding_driver.ts'
import type { MailQueue } from '../mail/mailer.ts'
import { parseWebhookSecrets } from '../mail/webhook_driver.ts'
import type { SessionObjectNamespace } from '../sessions/remote_object_store.ts'
import type { AssetBinding } from '../storage/asset_store.ts'
import type { BurstBindings } from '../storage/burst_limits.ts'
import type { FurtherDatabase } from '../users/user_databases_store.ts'
import type { ManagementBinding, ManagementSettings } from './management_binding.ts'

/** The binding of the main database. Other databases have sessions and their revocations, their index, or batches of audit events. */
export const MAIN_DATABASE = 'DB'

/** The bindings of both Workers. */
export interface ManagementEnv extends BurstBindings {
  DB: D1Database
  KV: KVNamespace
  /** The session objects, if config.yml has `session_objects`. */
  SESSION_OBJECTS?: SessionObjectNamespace
  /** The static files. */
  ASSETS: AssetBinding
  /** The queue of sealed mails, if config.yml has `mail`. */
  MAIL_QUEUE?: MailQueue
  /** The queue of audit events, if config.yml has `audit_archive`. */
  AUDIT_QUEUE?: AuditQueueBinding
  /** The bucket of older audit events, if config.yml has or had `audit_archive`. */
  AUDIT_ARCHIVE?: R2Bucket
}

/** The bindings and secrets of the token service. wrangler.toml has the bindings, and `wrangler secret put` sets the secrets. */
export interface Env extends ManagementEnv, ManagementSettings {
  /** The Worker of management. */
  MANAGEMENT: ManagementBinding
  /** The secret key that the challenge service in config.yml gave for this server. */
  CHALLENGE_SECRET?: string
  /** The mail service of Cloudflare, for the driver `binding`. */
  EMAIL?: EmailBinding
  /** The secrets of the driver `webhook` (`parseWebhookSecrets`). */
  MAIL_SECRET?: string
  /** `true` on a local server: mails go to the inbox page and to no mail service. It has no effect with another issuer. */
  LOCAL_INBOX?: string
}

/** A binding or a secret is missing. The message names all of them and how to add them. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** The bindings and secrets, checked and decoded. */
export interface Environment {
  env: Partial<Env>
  db: D1Database
  kv: KVNamespace
  assets: AssetBinding
  sealingKeys: SealingKeys
  hashKeys: HashKeys
  /** The databases of `databaseBindings`, by the names of their bindings. */
  databases: ReadonlyMap<string, D1Database>
  /** In the order of the shards in config.yml. */
  shardDatabases: D1Database[]
  /** In the order of `user_databases` in config.yml; empty without the key. */
  userDatabases: FurtherDatabase[]
  /** Null if config.yml has no `session_objects`. */
  sessionObjects: SessionObjectNamespace | null
}

/** Which Worker needs the bindings and secrets. */
export type Role = 'token service' | 'management'

/** @throws EnvironmentError */
export function requireEnvironment(
  env: Partial<Env>,
  config: Config,
  role: Role = 'token service',
): Environment {
  const sealingKey = parseSealingKey(env.SEALING_KEY ?? '')
  const nextSealingKey = env.SEALING_KEY_NEXT ? parseSealingKey(env.SEALING_KEY_NEXT) : undefined
  const hashKeys = parseHashKeys(env.HASH_KEYS)
  const bindings = new Map(Object.entries(env))
  const missing = new Set(requiredBindings(config, role).filter((name) => !bindings.get(name)))
  // Management checks no challenge and delivers no mail.
  const isTokenService = role === 'token service'
  const lacksChallenge = isTokenService && config.challenge !== null && !env.CHALLENGE_SECRET
  const lacksMailSecret =
    isTokenService && config.mail?.driver === 'webhook' && parseWebhookSecrets(env.MAIL_SECRET ?? '') === null
  const isComplete = missing.size === 0 && !lacksChallenge && !lacksMailSecret
  if (env.DB && env.KV && env.ASSETS && sealingKey && nextSealingKey !== null && hashKeys && isComplete) {
    const { DB } = env
    const databases = new Map(
      [...databaseBindings(config)].map((name) => [name, bindings.get(name) as D1Database]),
    )
    const shardDatabases = config.sessionShards.map(({ binding }) => databases.get(binding) ?? DB)
    const userDatabases = (config.userDatabases?.databases ?? []).map(({ binding, ...database }) => ({
      ...database,
      db: databases.get(binding) ?? DB,
    }))
    const sealingKeys: SealingKeys = nextSealingKey ? [nextSealingKey, sealingKey] : [sealingKey]
    const sessionObjects = config.sessionObjects === null ? null : (env.SESSION_OBJECTS ?? null)
    const stores = {
      db: DB,
      kv: env.KV,
      assets: env.ASSETS,
      databases,
      shardDatabases,
      userDatabases,
      sessionObjects,
    }
    return { env, ...stores, sealingKeys, hashKeys }
  }
  const problems = [...missing].map((name) => `the binding ${name} is missing: add it to wrangler.toml`)
  if (!sealingKey) {
    problems.push(
      'the secret SEALING_KEY is missing or is not 32 bytes in base64url: set it by `npx wrangler secret put SEALING_KEY`, or locally by `npm start`',
    )
  }
  if (nextSealingKey === null) problems.push('the secret SEALING_KEY_NEXT is not 32 bytes in base64url')
  if (lacksChallenge)
    problems.push('the secret CHALLENGE_SECRET is missing: `challenge` in config.yml needs it')
  if (lacksMailSecret) {
    problems.push('the secret MAIL_SECRET is missing or malformed: the driver webhook of `mail` needs it')
  }
  if (hashKeys === null) problems.push('the secret HASH_KEYS is not a JSON object of known keys')
  throw new EnvironmentError(problems.join('; '))
}

/** The bindings that config.yml needs. */
function requiredBindings(config: Config, role: Role): string[] {
  const { sessionObjects, mail, auditArchive } = config
  return [
    'DB',
    'KV',
    'ASSETS',
    ...databaseBindings(config),
    ...(sessionObjects === null ? [] : ['SESSION_OBJECTS']),
    ...(mail === null ? [] : ['MAIL_QUEUE']),
    ...(auditArchive === null ? [] : ['AUDIT_QUEUE', 'AUDIT_ARCHIVE']),
    ...(role === 'token service' ? ['MANAGEMENT'] : []),
    ...(role === 'token service' && mail?.driver === 'binding' ? ['EMAIL'] : []),
  ]
}

/** Whether mails go to the inbox page. A deployed Worker never has one, because its issuer is not a loopback address. */
export function hasLocalInbox({ LOCAL_INBOX }: Partial<Env>, { issuer }: Pick<Config, 'issuer'>): boolean {
  return LOCAL_INBOX === 'true' && isLoopback(issuer)
}

/** The bindings of the D1 databases, `DB` first. Shards, audit events and the index of sessions may share a database. */
export function databaseBindings({
  sessionShards,
  sessionObjects,
  auditDatabases,
  userDatabases,
}: Pick<Config, 'sessionShards' | 'sessionObjects' | 'auditDatabases' | 'userDatabases'>): Set<string> {
  const indexDatabases = sessionObjects?.indexDatabases ?? []
  const further = [
    ...sessionShards,
    ...indexDatabases,
    ...auditDatabases,
    ...(userDatabases?.databases ?? []),
  ]
  return new Set([MAIN_DATABASE, ...further.map(({ binding }) => binding)])
}
