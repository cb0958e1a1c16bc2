import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { CLIENT_MARGIN_SECONDS } from '../src/storage/copy_ages.ts'
import { configureBundle } from './configure_bundle.ts'
import { DATABASE_CASES, type DatabaseScene, HOME_USER, SHOP_API, SHOP_POOL } from './database_cases.ts'
import { DrillAccount, type Form } from './drill_account.ts'
import { DRILL_PASSWORD } from './drill_cases.ts'
import { reservePort } from './free_port.ts'
import { dumpDatabase, loadDatabase, runStatements } from './local_dump.ts'
import type { Bundle } from './worker_bundle.ts'
import { makeTemporaryDirectory, type ServiceServer, startService } from './worker_server.ts'

const run = promisify(execFile)

/** The databases beside `DB`: a session shard, an audit database and a database of users. */
const FURTHER = ['SESSIONS_EU', 'AUDIT_1', 'USERS_1']
const BINDINGS = ['DB', ...FURTHER]

/** The databases that have users of the same pools. */
const OTHERS: Record<string, readonly string[]> = { DB: ['USERS_1'], USERS_1: ['DB'] }

/** The keys of config.yml with which sessions begin in the shard. */
function shardKeys(): Record<string, unknown> {
  const { apis } = parse(readFileSync('config.yml', 'utf8')) as { apis: object }
  const shop = { audience: 'http://localhost:8787/shop', users: SHOP_POOL, guests: false, scopes: ['cart'] }
  const shards = [
    { name: 's2', binding: 'SESSIONS_EU' },
    { name: 's1', binding: 'DB' },
  ]
  return { apis: { ...apis, [SHOP_API]: shop }, session_shards: shards }
}

const FURTHER_KEYS = {
  session_objects: { per_market: 1 },
  user_databases: {
    pools: [SHOP_POOL],
    databases: [{ name: 'u1', binding: 'USERS_1', new_users: [SHOP_POOL] }],
  },
  audit_archive: { partitions: 1 },
  audit_databases: [{ binding: 'AUDIT_1', new_events: true }],
}

/** The state of a case before the restore, after it, after the repair, and in a new account. */
export interface DatabaseRow {
  binding: string
  title: string
  states: string[]
}

/** The rows of the report, and what `npm run after-restore` found in each database. */
export interface DatabaseReport {
  rows: DatabaseRow[]
  notes: Record<string, string[]>
}

type Dump = ReadonlyMap<string, readonly string[]>

/**
 * The drill of docs/backup.md for a service with several databases, on local stores: a restore of one database to an older time, while
 * the others and the bucket are newer, and its repair. Nothing outside a temporary directory changes.
 */
export async function runDatabaseDrill(bundle: Bundle): Promise<DatabaseReport> {
  const drill = new DatabaseDrill(bundle, await reservePort())
  try {
    return await drill.run()
  } finally {
    await drill.close()
  }
}

class DatabaseDrill {
  readonly #bundle: Bundle
  readonly #port: number
  readonly #directory = makeTemporaryDirectory()
  readonly #sealingKey = randomBytes(32).toString('base64url')
  readonly #checks = new Map<string, () => Promise<string>>()
  #backup: Dump = new Map()
  #lost: Dump = new Map()
  #service: ServiceServer | null = null

  constructor(bundle: Bundle, port: number) {
    this.#bundle = bundle
    this.#port = port
  }

  async close(): Promise<void> {
    await this.#service?.close()
    this.#service = null
  }

  async run(): Promise<DatabaseReport> {
    const scene = await this.#work()
    const report: DatabaseReport = { rows: [], notes: {} }
    for (const binding of BINDINGS) {
      const states = await this.#restore(binding, report)
      const rows = casesOf(binding).map(({ title }, i) => ({
        binding,
        title,
        states: states.map((state) => state[i] ?? ''),
      }))
      report.rows.push(...rows)
    }
    await this.#restoreIntoNewAccount(scene)
    for (const row of report.rows) row.states.push(await this.#ask(row.title))
    return report
  }

  /** Runs the cases before and after the dump of the backup, and makes a dump of the state that the restore loses. */
  async #work(): Promise<DatabaseScene> {
    await this.#start('account', shardKeys())
    const scene = await this.#makeScene()
    const ofShard = await this.#begin(scene, true)
    await this.close()
    await this.#start('account', { ...shardKeys(), ...FURTHER_KEYS })
    const begun = new Map([...ofShard, ...(await this.#begin(scene, false))])
    this.#backup = await this.#dump()
    for (const [title, since] of begun) this.#checks.set(title, await since())
    this.#lost = await this.#dump()
    return scene
  }

  /** Restores one database and repairs it. Then it has the lost state again. @returns the states of its cases before, between and after */
  async #restore(binding: string, { notes }: DatabaseReport): Promise<string[][]> {
    const ask = () => this.#askAll(binding)
    const states = [await ask()]
    await this.#load(binding, this.#backup)
    states.push(await ask())
    await this.#load(binding, this.#backup)
    const others = (OTHERS[binding] ?? []).flatMap((other) => ['--other', this.#write('lost', other)])
    notes[binding] = await this.#repair(binding, ['--lost', this.#write('lost', binding), ...others])
    states.push(await ask())
    await this.#load(binding, this.#lost)
    return states
  }

  /** Restores the backup of all databases and the present bucket into empty stores, and ends all sessions. There are no session objects. */
  async #restoreIntoNewAccount({ account }: DatabaseScene): Promise<void> {
    const objects = await readBucket(this.#requireBucket())
    await this.close()
    await this.#start('new-account', { ...shardKeys(), ...FURTHER_KEYS })
    for (const [key, text] of objects) await this.#requireBucket().put(key, text)
    for (const binding of BINDINGS) await this.#load(binding, this.#backup)
    for (const binding of BINDINGS)
      await this.#repair(binding, binding === 'AUDIT_1' ? [] : ['--end-sessions'])
    account.signOutOperator()
    // Clients that were signed out get 503 until then.
    await sleep((CLIENT_MARGIN_SECONDS + 2) * 1000)
  }

  async #askAll(binding: string): Promise<string[]> {
    const states: string[] = []
    for (const { title } of casesOf(binding)) states.push(await this.#ask(title))
    return states
  }

  async #ask(title: string): Promise<string> {
    return (await this.#checks.get(title)?.()) ?? ''
  }

  /** Runs the SQL of `npm run after-restore` on a database that has the backup. @returns the notes of the command */
  async #repair(binding: string, options: readonly string[]): Promise<string[]> {
    const command = ['--binding', binding, '--restored', this.#write('backup', binding), ...options]
    const script = resolve('scripts/after_restore.ts')
    const { stdout, stderr } = await run(process.execPath, [script, ...command], { cwd: this.#project() })
    const statements = stdout.split(/;\n/).filter((statement) => statement !== '')
    await runStatements(this.#database(binding), statements)
    return stderr.trim().split('\n')
  }

  /** Writes a dump. @returns its path */
  #write(name: 'backup' | 'lost', binding: string): string {
    const path = join(this.#directory, `${name}-${binding}.sql`)
    const dump = name === 'backup' ? this.#backup : this.#lost
    writeFileSync(path, (dump.get(binding) ?? []).join('\n'))
    return path
  }

  /** A directory with the config.yml of the service. */
  #project(): string {
    const project = join(this.#directory, 'project')
    if (mkdirSync(project, { recursive: true }) === undefined) return project
    const document = { ...parse(readFileSync('config.yml', 'utf8')), ...shardKeys(), ...FURTHER_KEYS }
    writeFileSync(join(project, 'config.yml'), stringify(document))
    symlinkSync(resolve('migrations'), join(project, 'migrations'))
    return project
  }

  async #start(stateDirectory: string, keys: Record<string, unknown>): Promise<void> {
    this.#service = await startService(configureBundle(this.#bundle, keys), {
      port: this.#port,
      stateDirectory: join(this.#directory, stateDirectory),
      sealingKey: this.#sealingKey,
      databases: FURTHER,
      hasLargeBudgets: true,
      isSilent: true,
    })
  }

  async #makeScene(): Promise<DatabaseScene> {
    const service = () => this.#requireService()
    const account = new DrillAccount(service())
    const draft = {
      client_id: 'drill-shop',
      name: 'Shop',
      api: SHOP_API,
      grants: ['password'],
      scopes: ['cart'],
    }
    const { client_secret } = await account.admin('/clients', draft)
    const client: Form = { client_id: 'drill-shop', client_secret: String(client_secret) }
    const addUser = async (username: string) => {
      const user = { pool: SHOP_POOL, username, password: DRILL_PASSWORD }
      return String((await account.admin('/users', user)).id)
    }
    await addUser(HOME_USER)
    return { account, client, service, addUser }
  }

  async #begin(scene: DatabaseScene, isOfShard: boolean) {
    const begun = new Map<string, Awaited<ReturnType<(typeof DATABASE_CASES)[number]['begin']>>>()
    for (const one of DATABASE_CASES)
      if ((one.isOfShard ?? false) === isOfShard) begun.set(one.title, await one.begin(scene))
    return begun
  }

  async #dump(): Promise<Dump> {
    const dumps = BINDINGS.map(
      async (binding) => [binding, await dumpDatabase(this.#database(binding))] as const,
    )
    return new Map(await Promise.all(dumps))
  }

  #load(binding: string, dump: Dump): Promise<void> {
    return loadDatabase(this.#database(binding), dump.get(binding) ?? [])
  }

  #database(binding: string): D1Database {
    return new Map<string, unknown>(Object.entries(this.#requireService().stores)).get(binding) as D1Database
  }

  #requireBucket(): R2Bucket {
    const bucket = this.#requireService().stores.AUDIT_ARCHIVE
    if (bucket === undefined) throw new Error('wrangler.toml has no bucket')
    return bucket
  }

  #requireService(): ServiceServer {
    if (this.#service === null) throw new Error('the service does not run')
    return this.#service
  }
}

function casesOf(binding: string) {
  return DATABASE_CASES.filter((one) => one.binding === binding)
}

/** The objects of a bucket, by their keys. */
async function readBucket(bucket: R2Bucket): Promise<Map<string, string>> {
  const { objects } = await bucket.list()
  const texts = objects.map(async ({ key }) => [key, (await (await bucket.get(key))?.text()) ?? ''] as const)
  return new Map(await Promise.all(texts))
}
