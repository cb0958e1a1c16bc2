import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt } from 'jose'
import { parseSealingKey } from '../src/keys/sealing.ts'
import { generateSigningKey } from '../src/keys/signing_key.ts'
import { systemClock } from '../src/lib/clock.ts'
import { databaseBindings, type Env } from '../src/services/environment.ts'
import { UserAdminStore } from '../src/users/user_admin_store.ts'
import { UserDatabases } from '../src/users/user_databases_store.ts'
import { requireConfig } from './config_file.ts'
import { DrillAccount, type Form } from './drill_account.ts'
import { DRILL_CASES, DRILL_PASSWORD, DRILL_USERS } from './drill_cases.ts'
import { reservePort } from './free_port.ts'
import { UserMaker } from './make_user.ts'
import type { Bundle } from './worker_bundle.ts'
import { makeTemporaryDirectory, type ServiceServer, startService } from './worker_server.ts'
import { readWrangler } from './wrangler.ts'

const run = promisify(execFile)

/** A row of the report: the token, and whether each state accepts it. */
export interface DrillRow {
  title: string
  /** Before the restore, after it, after `after-restore --lost`, and after `after-restore --end-sessions`. */
  accepted: boolean[]
}

interface Answers {
  accepted: boolean[]
  /** The sequence of the revocation feed. */
  sequence: number
}

/**
 * The drill of docs/backup.md on local stores: work on an account, its backup, a restore of all databases into an empty account, and
 * the two repairs. Nothing outside a temporary directory changes.
 *
 * @param bundle The service.
 * @param options `keepsObjects`: the session objects of the account stay, as in a restore in place.
 */
export async function runDrill(bundle: Bundle, { keepsObjects = false } = {}): Promise<DrillRow[]> {
  const drill = await Drill.prepare(bundle)
  await drill.workAndExport()
  const restored = await drill.restore()
  if (keepsObjects) drill.copyObjects(restored)
  const [repaired, ended] = [drill.copy(restored, 'repaired'), drill.copy(restored, 'ended')]
  await drill.repair(repaired, (binding) => ['--lost', drill.fileOf('lost', binding)])
  await drill.repair(ended, () => ['--end-sessions'])
  const answers: Answers[] = []
  for (const project of [drill.account, restored, repaired, ended]) answers.push(await drill.ask(project))
  const last = answers[0]?.sequence ?? 0
  return [
    ...DRILL_CASES.map(({ title }, index) => ({
      title,
      accepted: answers.map(({ accepted }) => accepted[index] === true),
    })),
    {
      title: 'revocation feed, for APIs that run',
      accepted: answers.map(({ sequence }) => sequence >= last),
    },
  ]
}

class Drill {
  readonly account: string
  readonly #directory = makeTemporaryDirectory()
  readonly #sealingKey = randomBytes(32).toString('base64url')
  readonly #bindings = databaseBindings(requireConfig())
  readonly #forms: Form[] = []
  readonly #bundle: Bundle
  readonly #port: number

  private constructor(bundle: Bundle, port: number) {
    this.#bundle = bundle
    this.#port = port
    this.account = this.#makeProject('account')
  }

  static async prepare(bundle: Bundle): Promise<Drill> {
    return new Drill(bundle, await reservePort())
  }

  /** Runs the cases before and after an export of the backup, and exports the state that the restore loses. */
  async workAndExport(): Promise<void> {
    const tokens: (readonly string[])[] = []
    await this.#serve(this.account, async (service) => {
      await addUsers(service.stores)
      const account = new DrillAccount(service)
      for (const { backedUp } of DRILL_CASES) tokens.push((await backedUp?.(account)) ?? [])
    })
    await this.#exportAll('backup')
    const runCases = (withNewKey: boolean) => async (service: ServiceServer) => {
      const account = new DrillAccount(service)
      for (const [index, { since, needsNewKey = false }] of DRILL_CASES.entries())
        if (needsNewKey === withNewKey) this.#forms[index] = await since(account, tokens[index] ?? [])
      if (!withNewKey) await this.#addKey(service.stores)
    }
    await this.#serve(this.account, runCases(false))
    await this.#serve(this.account, runCases(true))
    await this.#exportAll('lost')
  }

  /** Imports the backup into new databases. KV is empty. @returns the project */
  async restore(): Promise<string> {
    const project = this.#makeProject('restored')
    for (const binding of this.#bindings)
      await this.#execute(project, binding, this.fileOf('backup', binding))
    return project
  }

  /** Gives a project the session objects of the account. */
  copyObjects(project: string): void {
    const objects = join('.wrangler', 'state', 'v3', 'do')
    cpSync(join(this.account, objects), join(project, objects), { recursive: true })
  }

  copy(project: string, name: string): string {
    const copy = this.#makeProject(name)
    cpSync(join(project, '.wrangler'), join(copy, '.wrangler'), { recursive: true })
    return copy
  }

  /** Runs the SQL of `npm run after-restore` on each database of a restored project. */
  async repair(project: string, optionsOf: (binding: string) => string[]): Promise<void> {
    for (const binding of this.#bindings) {
      const options = ['--restored', this.fileOf('backup', binding), ...optionsOf(binding)]
      const { stdout } = await run(process.execPath, ['scripts/after_restore.ts', ...options], {
        maxBuffer: 1e9,
      })
      const file = join(project, `repair-${binding}.sql`)
      writeFileSync(file, stdout)
      await this.#execute(project, binding, file)
    }
  }

  /** Sends the request of each case. The cases have their own sessions, so no request changes the result of another one. */
  async ask(project: string): Promise<Answers> {
    const accepted: boolean[] = []
    let sequence = 0
    await this.#serve(project, async (service) => {
      const account = new DrillAccount(service)
      sequence = Number(decodeJwt(await account.feed()).sequence)
      for (const form of this.#forms) accepted.push(await account.isAccepted(form))
    })
    return { accepted, sequence }
  }

  fileOf(name: string, binding: string): string {
    return join(this.#directory, `${name}-${binding}.sql`)
  }

  /** A project with its own local stores. */
  #makeProject(name: string): string {
    const project = join(this.#directory, name)
    mkdirSync(project)
    cpSync('wrangler.toml', join(project, 'wrangler.toml'))
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
    return project
  }

  async #serve(project: string, work: (service: ServiceServer) => Promise<unknown>): Promise<void> {
    const service = await startService(this.#bundle, {
      port: this.#port,
      stateDirectory: join(project, '.wrangler', 'state', 'v3'),
      sealingKey: this.#sealingKey,
      isSilent: true,
    })
    await work(service).finally(() => service.close())
  }

  async #exportAll(name: string): Promise<void> {
    for (const binding of this.#bindings) {
      const output = ['--output', this.fileOf(name, binding)]
      await readWrangler(['d1', 'export', binding, '--local', ...output, '--cwd', this.account])
    }
  }

  async #execute(project: string, binding: string, file: string): Promise<void> {
    await readWrangler(['d1', 'execute', binding, '--local', '--file', file, '--cwd', project])
  }

  /** Adds a key that signs from the next start on, as if the cron trigger had made it two days ago. */
  async #addKey({ DB }: Env): Promise<void> {
    const now = systemClock.now()
    const sealing = parseSealingKey(this.#sealingKey)
    if (sealing === null) throw new Error('SEALING_KEY is invalid')
    const key = await generateSigningKey('ES256', [sealing], { createdAt: now, activatesAt: now })
    await DB.prepare(
      `INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
      .bind(key.kid, key.alg, JSON.stringify(key.publicJwk), key.sealedPrivateJwk, now, now)
      .run()
  }
}

async function addUsers({ DB }: Env): Promise<void> {
  const maker = new UserMaker({ ...requireConfig(), breachedPasswords: null })
  for (const username of DRILL_USERS) {
    const draft = { pool: 'customers', username, password: DRILL_PASSWORD, roles: [], enabled: true }
    const user = { ...(await maker.make(draft)), id: `user:${username}`, profile: {} }
    await new UserAdminStore(new UserDatabases(DB)).add([user], [])
  }
}
