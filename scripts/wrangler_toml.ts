import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from 'wrangler'
import type { Config } from '../src/config/config.ts'
import { databaseBindings } from '../src/services/environment.ts'
import { BURST_BINDINGS, type Budget, PERIOD_SECONDS } from '../src/storage/burst_limits.ts'
import { findManagementProblems } from './management_config.ts'

/** The bindings of the producers. */
const MAIL_QUEUE = 'MAIL_QUEUE'
const AUDIT_QUEUE = 'AUDIT_QUEUE'

/** The binding of the bucket of audit events. */
const AUDIT_ARCHIVE = 'AUDIT_ARCHIVE'

/** The binding of the mail service of Cloudflare. */
const EMAIL = 'EMAIL'

/** A mail or an audit event is tried again for a day, first after 5 s, at last once an hour. */
const RETRIES = 40

/** The binding of the static files. */
export const ASSETS = 'ASSETS'

/** Without this flag, a request to a host of the same zone skips Cloudflare and reaches its origin server (SSRF). */
const PUBLIC_FETCH = 'global_fetch_strictly_public'

type WranglerToml = Pick<
  Unstable_Config,
  | 'name'
  | 'services'
  | 'd1_databases'
  | 'assets'
  | 'compatibility_flags'
  | 'ratelimits'
  | 'queues'
  | 'r2_buckets'
  | 'send_email'
>

/** If wrangler.toml does not fit config.yml, prints each difference and ends the process. */
export function requireWranglerToml(config: Config): void {
  const problems = findDifferences(config, readWranglerConfig({ config: 'wrangler.toml' }))
  if (problems.length === 0) return
  console.error(`config.yml and wrangler.toml differ:\n${problems.map((line) => `  ${line}`).join('\n')}`)
  process.exit(1)
}

/** Finds the budgets and the bindings of wrangler.toml that differ from config.yml. */
export function findDifferences(
  config: Pick<
    Config,
    | 'burstLimits'
    | 'mail'
    | 'auditArchive'
    | 'sessionShards'
    | 'sessionObjects'
    | 'auditDatabases'
    | 'userDatabases'
  >,
  toml: WranglerToml,
): string[] {
  const { burstLimits, mail, auditArchive } = config
  const databases = toml.d1_databases.map(({ binding }) => binding)
  return [
    ...[...databaseBindings(config)]
      .filter((binding) => !databases.includes(binding))
      .map((binding) => `wrangler.toml has no [[d1_databases]] with the binding ${binding}`),
    ...findManagementProblems(toml),
    ...findAssetProblems(toml),
    ...(toml.compatibility_flags.includes(PUBLIC_FETCH)
      ? []
      : [`wrangler.toml needs compatibility_flags = ["${PUBLIC_FETCH}"]`]),
    ...findBudgets(burstLimits, toml.ratelimits),
    ...(mail === null ? [] : findQueueProblems('mail', MAIL_QUEUE, toml)),
    ...(auditArchive === null ? [] : findQueueProblems('audit_archive', AUDIT_QUEUE, toml)),
    ...(auditArchive === null || toml.r2_buckets.some(({ binding }) => binding === AUDIT_ARCHIVE)
      ? []
      : [`audit_archive: wrangler.toml has no [[r2_buckets]] with the binding ${AUDIT_ARCHIVE}`]),
    ...(mail?.driver === 'binding' && !toml.send_email.some(({ name }) => name === EMAIL)
      ? [`mail.driver: wrangler.toml has no [[send_email]] with the name ${EMAIL}`]
      : []),
  ]
}

/** Without `run_worker_first`, Cloudflare serves each static file at its path, also in place of an endpoint. */
function findAssetProblems({ assets }: WranglerToml): string[] {
  return assets?.binding === ASSETS && assets.run_worker_first === true
    ? []
    : [`wrangler.toml needs [assets] with binding = "${ASSETS}" and run_worker_first = true`]
}

function findBudgets(burstLimits: Config['burstLimits'], rateLimits: WranglerToml['ratelimits']): string[] {
  const budgets = Object.keys(BURST_BINDINGS) as Budget[]
  return budgets.flatMap((budget) => {
    const binding = BURST_BINDINGS[budget]
    const expected = `limit = ${burstLimits[budget]}, period = ${PERIOD_SECONDS}`
    const found = rateLimits.find(({ name }) => name === binding)?.simple
    const actual = found ? `limit = ${found.limit}, period = ${found.period}` : 'missing'
    return actual === expected ? [] : [`burst_limits.${budget}: ${binding} is ${actual}, must be ${expected}`]
  })
}

/** @param key The key of config.yml that needs the queue. */
function findQueueProblems(
  key: string,
  name: string,
  { queues: { producers = [], consumers = [] } }: WranglerToml,
): string[] {
  const producer = producers.find(({ binding }) => binding === name)
  if (producer === undefined)
    return [`${key}: wrangler.toml has no [[queues.producers]] with the binding ${name}`]
  const consumer = consumers.find(({ queue }) => queue === producer.queue)
  if (consumer === undefined)
    return [`${key}: wrangler.toml has no [[queues.consumers]] of the queue ${producer.queue}`]
  const retries = consumer.max_retries ?? 0
  return retries >= RETRIES
    ? []
    : [`${key}: max_retries of the queue ${producer.queue} is ${retries}, must be at least ${RETRIES}`]
}
