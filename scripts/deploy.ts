import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from 'wrangler'
import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { decodeClientRecord } from '../src/clients/client_record.ts'
import type { ApiConfig, Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { systemClock } from '../src/lib/clock.ts'
import { databaseBindings } from '../src/services/environment.ts'
import { listMissingRequirements } from './agent_requirements.ts'
import { requireConfig } from './config_file.ts'
import { buildWorkers, deployWorkers } from './deploy_workers.ts'
import { findMissingMigrations } from './missing_migrations.ts'
import { ensureOperatorClients, SELECT_OPERATOR_CLIENTS } from './operator_clients.ts'
import { findUnusablePasskeys, readPasskeyDomains } from './passkey_domains.ts'
import { sqlPrinter } from './sql_printer.ts'
import { stop } from './stop.ts'
import { readWrangler, runWrangler, WranglerFailed } from './wrangler.ts'
import { requireWranglerToml } from './wrangler_toml.ts'

const LOCAL_ID = 'local'
const CONFIRM_RP_ID = '--confirm-rp-id'
const UPLOAD_ONLY = '--upload-only'

const config = requireConfig()
requireWranglerToml(config)
const settings: Unstable_Config = readWranglerConfig({ config: 'wrangler.toml' })
const problems = [...findLocalSettings(config), ...listMissingRequirements(config)]
// With --upload-only the version gets no traffic yet (docs/upgrading.md, Canary).
const isUploadOnly = process.argv.includes(UPLOAD_ONLY)
const list = problems.map((problem) => `  ${problem}`).join('\n')
if (process.argv.includes('--dry-run')) {
  if (problems.length > 0) console.error(`Warning: npm run deploy will refuse these settings:\n${list}`)
  await buildWorkers()
} else {
  if (problems.length > 0) stop(`Not deployed:\n${list}`)
  for (const binding of databaseBindings(config)) await migrate(binding)
  if (!process.argv.includes(CONFIRM_RP_ID)) await requireUsablePasskeys()
  await requireQueuesAndBuckets()
  await (isUploadOnly ? runWrangler(['versions', 'upload', '--minify']) : deployWorkers(settings))
  if (!isUploadOnly && config.adminApi !== null) await renewOperatorClients(config.issuer, config.adminApi)
}

/** Adds the missing clients of operators, and renews the console's client for this version and this issuer. */
async function renewOperatorClients(issuer: string, adminApi: ApiConfig): Promise<void> {
  const lines: string[] = []
  const clients = new ClientAdminStore(sqlPrinter((line) => lines.push(line)))
  try {
    const [{ results }] = JSON.parse(await execute(SELECT_OPERATOR_CLIENTS))
    const now = systemClock.now()
    await ensureOperatorClients(clients, results.map(decodeClientRecord), { issuer, adminApi, now })
    if (lines.length === 0) return
    await execute(lines.join('\n'))
    console.log('The clients of operators were added or renewed.')
  } catch (error) {
    if (!(error instanceof WranglerFailed)) throw error
    stop(
      `Deployed, but the clients of operators were not renewed: run npm run deploy again.\nwrangler: ${error.message.trim()}`,
    )
  }
}

function execute(sql: string): Promise<string> {
  return readWrangler(['d1', 'execute', 'DB', '--remote', '--yes', '--json', '--command', sql])
}

/** Applies the migrations of a database. Without them the new Worker would fail, so this process ends if one is missing. */
async function migrate(binding: string): Promise<void> {
  await runWrangler(['d1', 'migrations', 'apply', binding, '--remote'])
  const database = settings.d1_databases.find((known) => known.binding === binding) ?? { binding }
  const missing = await findMissingMigrations(database).catch((error) => {
    if (!(error instanceof WranglerFailed)) throw error
    return stop(
      `Not deployed: the migrations of ${binding} were not read.\nwrangler: ${error.message.trim()}`,
    )
  })
  if (missing.length === 0) return
  stop(
    `Not deployed: the database ${binding} has no ${missing.join(', ')}. The Worker needs every migration: ` +
      'run npm run deploy again and confirm them.',
  )
}

/**
 * Ends this process if the account does not have a queue or a bucket of wrangler.toml, because Cloudflare refuses a Worker with an
 * unknown one.
 */
async function requireQueuesAndBuckets(): Promise<void> {
  for (const { queue } of settings.queues.producers ?? [])
    if (queue !== undefined) await requireResource('queue', queue, ['queues'])
  for (const { bucket_name: bucket } of settings.r2_buckets)
    if (bucket !== undefined) await requireResource('bucket', bucket, ['r2', 'bucket'])
}

/** @param command The command of wrangler for such resources. */
async function requireResource(what: string, name: string, command: readonly string[]): Promise<void> {
  await readWrangler([...command, 'info', name]).catch((error) => {
    if (!(error instanceof WranglerFailed)) throw error
    stop(
      `Not deployed: the ${what} ${name} was not found. Create it: npx wrangler ${command.join(' ')} create ${name}\n` +
        `wrangler: ${error.message.trim()}`,
    )
  })
}

/** Ends this process if the passkeys of users do not work with config.yml. A user then needs another way to sign in. */
async function requireUsablePasskeys(): Promise<void> {
  const domains = await readPasskeyDomains('DB').catch((error) => {
    if (!(error instanceof WranglerFailed)) throw error
    return stop(`Not deployed: the passkeys of DB were not read.\nwrangler: ${error.message.trim()}`)
  })
  const unusable = findUnusablePasskeys(domains, config)
  if (unusable.length === 0) return
  stop(
    `Not deployed:\n${unusable.map((problem) => `  ${problem}`).join('\n')}\n` +
      `To deploy anyway, run npm run deploy -- ${CONFIRM_RP_ID}`,
  )
}

/** Finds settings that are for local development only. */
function findLocalSettings(config: Config): string[] {
  const { d1_databases, kv_namespaces, vars, workers_dev } = settings
  return [
    new URL(config.issuer).hostname.endsWith('.workers.dev') &&
      !workers_dev &&
      'wrangler.toml: workers_dev: set it to true, since the issuer is an address of workers.dev',
    isLoopback(config.issuer) && 'config.yml: issuer: is a loopback address',
    ...[...config.apis.values()].map(
      (api) => isLoopback(api.audience) && `config.yml: apis.${api.name}.audience: is a loopback address`,
    ),
    d1_databases.some((database) => database.database_id === LOCAL_ID) &&
      'wrangler.toml: d1_databases: database_id: put the id that `npx wrangler d1 create sallyport` prints',
    'LOCAL_INBOX' in vars && 'wrangler.toml: vars: LOCAL_INBOX is for local servers: remove it',
    config.mail?.from.address.endsWith('@example.com') === true &&
      'config.yml: mail.from.address: is an address of example.com',
    kv_namespaces.some((namespace) => namespace.id === LOCAL_ID) &&
      'wrangler.toml: kv_namespaces: id: put the id that `npx wrangler kv namespace create sallyport` prints',
  ].filter((problem) => problem !== false)
}
