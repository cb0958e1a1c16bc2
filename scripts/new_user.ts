import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { UserAdminStore } from '../src/users/user_admin_store.ts'
import { UserDatabases } from '../src/users/user_databases_store.ts'
import { requireConfig } from './config_file.ts'
import { DraftRefused, UserMaker } from './make_user.ts'
import { sqlPrinter } from './sql_printer.ts'
import { stop } from './stop.ts'

const USAGE = `usage: npm run --silent new-user -- --pool POOL --username NAME [--roles LIST] < password.txt > user.sql
  The password is the first line of standard input. The SQL, with the hash of it, goes to stdout. It returns
  the id of the new user, or no row if the username is taken.`

const config = requireConfig()
const { pool, username, roles } = readArguments()
if (config.userDatabases?.pools.includes(pool))
  stop(`config.yml: user_databases has the pool ${pool}: create its users by the admin API`)
const draft = { pool, username, password: readPassword(), roles, enabled: true }
try {
  const user = await new UserMaker(config).make(draft)
  await new UserAdminStore(new UserDatabases(sqlPrinter())).add([{ ...user, profile: {} }], [])
} catch (error) {
  if (!(error instanceof DraftRefused)) throw error
  stop(error.message)
}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({ options: { pool: text, username: text, roles: text } })
    const { pool, username, roles = '' } = values
    if (pool && username) return { pool, username, roles: roles.split(',').filter((role) => role !== '') }
  } catch {
    // An unknown option: the usage below lists the options.
  }
  return stop(USAGE)
}

function readPassword(): string {
  return readFileSync(0, 'utf8').split(/\r?\n/)[0] ?? ''
}
