import * as z from 'zod/mini'
import { acrossPaths, type PathProblem } from './across.ts'
import { areUnique, databaseBinding, listOf, listOfMappings, name } from './checks.ts'
import { type FileOf, keyWithDefault, mapping, optionalKey, requiredKey, type ValuesOf } from './key.ts'
import { shardName } from './session_schema.ts'

const noPoolTwice = z.refine<string[]>(areUnique, 'must not list a pool twice')

const keysOfDatabase = {
  name: requiredKey('name', {
    check: shardName,
    description: 'The text before the dot in the ids of its users. It never changes',
  }),
  binding: requiredKey('binding', {
    check: databaseBinding,
    description: 'The binding of its D1 database in `wrangler.toml`',
  }),
  newUsers: keyWithDefault('new_users', {
    check: listOf(name, 'pools', [noPoolTwice]),
    default: [],
    description:
      'The pools whose new users it stores. Add a pool in a deployment after the one that added the database and the pool ([scaling.md](scaling.md#users-in-several-databases))',
  }),
}

/** A database for users, beside the main database. */
export type UserDatabaseConfig = ValuesOf<typeof keysOfDatabase>

/** Whether no two databases share a name or a binding. */
function areDistinct(databases: FileOf<typeof keysOfDatabase>[]): boolean {
  return [databases.map((entry) => entry.name), databases.map((entry) => entry.binding)].every(areUnique)
}

const keysOfUserDatabases = {
  pools: requiredKey('pools', {
    check: listOf(name, 'pools', [z.minLength(1, 'must list at least one pool'), noPoolTwice]),
    description:
      'The pools whose users are in several databases. They sign in with a password only ([scaling.md](scaling.md#users-in-several-databases))',
  }),
  databases: requiredKey('databases', {
    check: listOfMappings(keysOfDatabase, [
      z.minLength(1, 'must list at least one database'),
      z.refine(areDistinct, 'must not give two databases the same name or binding'),
    ]),
    description: 'The databases beside the main database. Never remove one that has users',
  }),
}

export const userDatabaseKeys = {
  userDatabases: optionalKey('user_databases', {
    check: mapping(keysOfUserDatabases),
    absent: 'all users are in the main database',
    description:
      'Further databases for the users of large pools ([scaling.md](scaling.md#users-in-several-databases))',
  }),
}

/** The parts of config.yml that the rules compare. */
interface ComparedFile extends FileOf<typeof userDatabaseKeys> {
  apis: Record<string, { users: string }>
  admin_api?: string | undefined
  accounts: Record<string, AccountFile>
  session_shards: { binding: string }[]
  audit_databases: { binding: string }[]
  session_objects?: { per_market: number; index_databases: { binding: string }[] } | undefined
}

interface AccountFile {
  sign_up: boolean
  email_code: string
  self_service: boolean
  second_factor: string
  second_factor_roles: string[]
  passkeys?: unknown
}

/** The rules between `user_databases` and other keys. */
export const userDatabaseRules = [
  acrossPaths<ComparedFile>((file) =>
    file.user_databases === undefined
      ? []
      : [
          ...problemsOfSessions(file),
          ...problemsOfBindings(file, file.user_databases.databases),
          ...problemsOfNewUsers(file.user_databases),
          ...file.user_databases.pools.flatMap((pool) => problemsOfPool(file, pool)),
        ],
  ),
]

function problemsOfSessions({ session_objects: objects }: ComparedFile): PathProblem[] {
  if ((objects?.per_market ?? 0) > 0) return []
  const message = 'needs session_objects with a per_market of at least 1'
  return [{ path: ['user_databases'], message }]
}

function problemsOfBindings(
  { session_shards: shards, audit_databases: audit, session_objects: objects }: ComparedFile,
  databases: FileOf<typeof keysOfDatabase>[],
): PathProblem[] {
  const others = [...shards, ...audit, ...(objects?.index_databases ?? [])]
  const taken = ['DB', ...others.map((other) => other.binding)]
  if (databases.every((entry) => !taken.includes(entry.binding))) return []
  const message =
    'must not use the binding DB or a binding of session_shards, audit_databases or index_databases'
  return [{ path: ['user_databases', 'databases'], message }]
}

/** Only a pool of `pools` reserves its names, so only such a pool can have new users in a further database. */
function problemsOfNewUsers({ pools, databases }: FileOf<typeof keysOfUserDatabases>): PathProblem[] {
  const listed = new Set(databases.flatMap((entry) => entry.new_users))
  const unknown = [...listed].filter((pool) => !pools.includes(pool))
  return unknown.map((pool) => ({
    path: ['user_databases', 'databases'],
    message: `must have in new_users only pools of user_databases.pools, not ${pool}`,
  }))
}

function problemsOfPool(file: ComparedFile, pool: string): PathProblem[] {
  const apis = Object.values(file.apis).filter((api) => api.users === pool)
  const isOfOperators = file.apis[file.admin_api ?? '']?.users === pool
  const accounts = file.accounts[pool]
  const path = ['user_databases', 'pools']
  return [
    ...(apis.length > 0
      ? []
      : [{ path, message: `must have only pools that an API names as users, not ${pool}` }]),
    ...(isOfOperators ? [{ path, message: 'must not have the pool of admin_api' }] : []),
    ...(accounts === undefined ? [] : namesOfPageKeys(accounts)).map((key) => ({
      path: ['accounts', pool, key],
      message: 'must be absent, because user_databases lists the pool',
    })),
  ]
}

/** The set keys of a pool whose one-time values and factors are in one database with the user. */
function namesOfPageKeys(accounts: AccountFile): string[] {
  const isSet = {
    sign_up: accounts.sign_up,
    email_code: accounts.email_code !== 'off',
    self_service: accounts.self_service,
    second_factor: accounts.second_factor !== 'off',
    second_factor_roles: accounts.second_factor_roles.length > 0,
    passkeys: accounts.passkeys !== undefined,
  }
  return Object.entries(isSet).flatMap(([key, value]) => (value ? [key] : []))
}
