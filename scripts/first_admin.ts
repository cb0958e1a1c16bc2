import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { type ClientRecord, decodeClientRecord } from '../src/clients/client_record.ts'
import type { ApiConfig } from '../src/config/config.ts'
import { requireUsername, UserRefused } from '../src/users/create_user.ts'
import type { UnstoredUser } from '../src/users/user.ts'
import { UserAdminStore } from '../src/users/user_admin_store.ts'
import { UserDatabases } from '../src/users/user_databases_store.ts'
import { requireConfig } from './config_file.ts'
import { listServers } from './local_servers.ts'
import { DraftRefused, UserMaker } from './make_user.ts'
import { ensureOperatorClients, OPERATOR_CLIENT_IDS, SELECT_OPERATOR_CLIENTS } from './operator_clients.ts'
import { readPassword } from './read_password.ts'
import { formatLiteral, sqlPrinter } from './sql_printer.ts'
import { stop } from './stop.ts'
import { prepareTables, TOKEN_SERVICE } from './token_service.ts'
import { QUIET_WRANGLER, readWrangler, WranglerFailed } from './wrangler.ts'

const USAGE = `usage: npm run first-admin -- --username NAME [--remote]
  Adds the first operator, and the clients with which operators sign in. The password is the first line of standard
  input, or a terminal asks for it. The command needs a database without an admin.
  With --remote it changes the deployed database, after npm run deploy.
  Without --remote it changes the local database and makes missing tables: stop the local server first. If the issuer
  of config.yml is a loopback address, npm start adds a demo admin, which a local test can use. Without the demo admin:
  npm run reset, npm run first-admin, npm start.`

const NO_TABLES = 'The database has no tables. Run npm run deploy first.'

const ADMIN_EXISTS = 'An admin exists already. An admin can make further admins: docs/admin-api.md'
const LOCAL_ADMIN =
  'It can be the demo admin of npm start. npm run reset removes all local data, then npm run first-admin works.'

const REMOTE_NEEDS = ' --remote needs a login: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.'

const { username, isRemote } = readArguments()
const config = requireConfig()
const api = config.adminApi ?? stop('config.yml: admin_api: must name an API first (docs/admin-api.md)')
const where = isRemote ? '--remote' : '--local'
checkUsername(api)
if (!isRemote) await prepareLocalTables()
const present = await findPresent(api)
if (present.admins > 0) stop(isRemote ? ADMIN_EXISTS : `${ADMIN_EXISTS}\n${LOCAL_ADMIN}`)
const user = await makeAdmin(api)
if (present.usernames.includes(user.username)) stop(`The username is taken in the pool "${api.userPool}"`)
await execute(await formatSql(user, api)).catch(stopAfterFailure)
console.log(`${user.username} is an admin. Sign in with the client ${OPERATOR_CLIENT_IDS[0]}.`)

function readArguments(): { username: string; isRemote: boolean } {
  try {
    const options = {
      username: { type: 'string' },
      remote: { type: 'boolean' },
      help: { type: 'boolean' },
    } as const
    const { values } = parseArgs({ options })
    if (values.help) return end(USAGE)
    if (values.username) return { username: values.username, isRemote: values.remote ?? false }
  } catch {
    // An unknown option: the usage below lists the options.
  }
  return stop(USAGE)
}

function checkUsername({ userPool }: ApiConfig): void {
  try {
    requireUsername(username, userPool, config)
  } catch (error) {
    if (!(error instanceof UserRefused)) throw error
    stop(error.message)
  }
}

async function prepareLocalTables(): Promise<void> {
  const servers = listServers().map(({ command, pid }) => `${command} (process ${pid})`)
  if (servers.length > 0) stop(`The local database is in use: ${servers.join(', ')}. Stop it first.`)
  Object.assign(process.env, QUIET_WRANGLER)
  await prepareTables(TOKEN_SERVICE, config)
}

interface Present {
  admins: number
  usernames: string[]
  /** The present clients of operators. */
  clients: ClientRecord[]
}

/** The existing admins, usernames and clients of operators. */
async function findPresent({ userPool }: ApiConfig): Promise<Present> {
  const sql = `SELECT
    (SELECT count(*) FROM users, json_each(roles) WHERE pool = ${formatLiteral(userPool)} AND value = 'admin') AS admins,
    (SELECT json_group_array(username) FROM users WHERE pool = ${formatLiteral(userPool)}) AS usernames`
  const command = `${sql.replace(/\s+/g, ' ')}; ${SELECT_OPERATOR_CLIENTS}`
  const parameters = ['d1', 'execute', 'DB', where, '--json', '--command', command]
  const [counts, clients] = JSON.parse(await readWrangler(parameters).catch(stopAfterFailure))
  const [{ admins, usernames }] = counts.results
  return { admins, usernames: JSON.parse(usernames), clients: clients.results.map(decodeClientRecord) }
}

async function makeAdmin({ userPool: pool }: ApiConfig): Promise<UnstoredUser> {
  const password = await readPassword(`Password of ${username}: `)
  const draft = { pool, username, password, roles: ['admin'], enabled: true }
  try {
    return await new UserMaker(config).make(draft)
  } catch (error) {
    if (!(error instanceof DraftRefused)) throw error
    return stop(error.message)
  }
}

async function formatSql(admin: UnstoredUser, adminApi: ApiConfig): Promise<string> {
  const lines: string[] = []
  const printer = sqlPrinter((line) => lines.push(line))
  await new UserAdminStore(new UserDatabases(printer)).add([{ ...admin, profile: {} }], [])
  const installation = { issuer: config.issuer, adminApi, now: admin.createdAt }
  await ensureOperatorClients(new ClientAdminStore(printer), present.clients, installation)
  lines.push(
    `INSERT INTO audit_events (at, kind, outcome, reason, subject) VALUES (${admin.createdAt}, 'admin', 'ok',
      'the first admin was created', ${formatLiteral(admin.id)});`,
  )
  return lines.join('\n')
}

/** Runs SQL from a temporary file that only the current user can read, because it has the hash of the password. */
async function execute(sql: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
  const file = join(folder, 'first_admin.sql')
  try {
    writeFileSync(file, sql, { mode: 0o600 })
    await readWrangler(['d1', 'execute', 'DB', where, '--yes', '--file', file])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Ends with the message of wrangler. */
function stopAfterFailure(error: unknown): never {
  if (!(error instanceof WranglerFailed)) throw error
  if (error.message.includes('no such table')) return stop(NO_TABLES)
  return stop(
    `The database was not reached.${isRemote ? REMOTE_NEEDS : ''}\nwrangler: ${error.message.trim()}`,
  )
}

function end(message: string): never {
  console.log(message)
  process.exit(0)
}
