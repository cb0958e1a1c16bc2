import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { configureBundle } from './configure_bundle.ts'
import { DATABASE_CASES, type DatabaseScene, HOME_USER, SHOP_API, SHOP_POOL } from './database_cases.ts'
import { DrillAccount, type Form } from './drill_account.ts'
import { DRILL_PASSWORD } from './drill_cases.ts'
import { dumpDatabase, loadDatabase, runStatements } from './local_dump.ts'
import type { Bundle } from './worker_bundle.ts'
import { findFreePort, makeTemporaryDirectory, type ServiceServer, startService } from './worker_server.ts'

const run = promisify(execFile)

/** The databases beside `DB`: a session shard, an audit database and a database of users. */
const FURTHER = ['SESSIONS_EU', 'AUDIT_1', 'USERS_1']
const BINDINGS = ['DB', ...FURTHER]

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

/** The state of a case before the restore, after it, and after the repair. */
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
  const drill = new DatabaseDrill(bundle, await findFreePort())
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
    await this.#start(shardKeys())
    const scene = await this.#makeScene()
    const ofShard = await this.#begin(scene, true)
    await this.close()
    await this.#start({ ...shardKeys(), ...FURTHER_KEYS })
    const begun = new Map([...ofShard, ...(await this.#begin(scene, false))])
    const backup = await this.#dump()
    const checks = new Map<string, () => Promise<string>>()
    for (const [title, since] of begun) checks.set(title, await since())
    const lost = await this.#dump()
    const report: DatabaseReport = { rows: [], notes: {} }
    for (const binding of BINDINGS) await this.#restore(binding, { backup, lost, checks, report })
    return report
  }

  /** Restores one database, repairs it, and describes its cases in each state. Then it has the lost state again. */
  async #restore(
    binding: string,
    {
      backup,
      lost,
      checks,
      report,
    }: {
      backup: Dump
      lost: Dump
      checks: ReadonlyMap<string, () => Promise<string>>
      report: DatabaseReport
    },
  ): Promise<void> {
    const titles = DATABASE_CASES.filter((one) => one.binding === binding).map(({ title }) => title)
    const ask = async () => {
      const states: string[] = []
      for (const title of titles) states.push((await checks.get(title)?.()) ?? '')
      return states
    }
    const states = [await ask()]
    await this.#load(binding, backup)
    states.push(await ask())
    await this.#load(binding, backup)
    report.notes[binding] = await this.#repair(binding, { backup, lost })
    states.push(await ask())
    await this.#load(binding, lost)
    const rows = titles.map((title, i) => ({ binding, title, states: states.map((state) => state[i] ?? '') }))
    report.rows.push(...rows)
  }

  /** Runs the SQL of `npm run after-restore`. @returns its notes */
  async #repair(binding: string, { backup, lost }: { backup: Dump; lost: Dump }): Promise<string[]> {
    const file = (name: string, dump: Dump, of: string) => {
      const path = join(this.#directory, `${name}-${of}.sql`)
      writeFileSync(path, (dump.get(of) ?? []).join('\n'))
      return path
    }
    const others = { DB: ['USERS_1'], USERS_1: ['DB'] }[binding] ?? []
    const options = [
      ...['--binding', binding, '--restored', file('restored', backup, binding)],
      ...['--lost', file('lost', lost, binding)],
      ...others.flatMap((other) => ['--other', file('other', lost, other)]),
    ]
    const script = resolve('scripts/after_restore.ts')
    const { stdout, stderr } = await run(process.execPath, [script, ...options], { cwd: this.#project() })
    const statements = stdout.split(/;\n/).filter((statement) => statement !== '')
    await runStatements(this.#database(binding), statements)
    return stderr.trim().split('\n')
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

  async #start(keys: Record<string, unknown>): Promise<void> {
    this.#service = await startService(configureBundle(this.#bundle, keys), {
      port: this.#port,
      stateDirectory: join(this.#directory, 'state'),
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

  #requireService(): ServiceServer {
    if (this.#service === null) throw new Error('the service does not run')
    return this.#service
  }
}
