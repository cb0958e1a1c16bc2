import { env } from 'cloudflare:workers'
import { databaseNameOf, HOME } from '../../src/users/user_databases_store.ts'
import { type AroundCall, aroundD1 } from './around_d1.ts'
import { IN_OBJECTS, IN_STRICT_OBJECTS } from './session_objects.ts'

const FIRST = { name: 'u1', binding: 'USERS_1', new_users: ['customers'] }
const SECOND = { name: 'u2', binding: 'USERS_2', new_users: ['customers'] }

/** A configuration with the customers of the tests in further databases. */
export function inDatabases(databases: object[], pools = ['customers']) {
  return { ...IN_OBJECTS, user_databases: { pools, databases } }
}

/** New customers are in two databases, beside the main database. */
export const IN_TWO_DATABASES = inDatabases([FIRST, SECOND])

/** As before the second database took new users. */
export const IN_ONE_DATABASE = inDatabases([FIRST, { ...SECOND, new_users: [] }])

/** The first deployment with further databases: new customers are still in the main database. */
export const BESIDE_DATABASES = inDatabases([
  { ...FIRST, new_users: [] },
  { ...SECOND, new_users: [] },
])

/** Customers in two databases, with a read of the user at each refresh: a change has effect at once. */
export const IN_FURTHER_DATABASES = { ...IN_TWO_DATABASES, ...IN_STRICT_OBJECTS }

/** Every database of users, by the text in the ids of its users. */
const USER_DATABASES: Readonly<Record<string, D1Database>> = {
  [HOME]: env.DB,
  u1: env.USERS_1,
  u2: env.USERS_2,
}

/** The database with the row of a user. */
export function databaseOf(id: string): D1Database {
  const db = USER_DATABASES[databaseNameOf(id)]
  if (db === undefined) throw new Error(`no database has the user ${id}`)
  return db
}

/** The bindings of all databases of users, wrapped. */
export function wrapUserDatabases(wrap: (db: D1Database) => D1Database) {
  return { DB: wrap(env.DB), USERS_1: wrap(env.USERS_1), USERS_2: wrap(env.USERS_2) }
}

/** The same, with wrapped calls. */
export function aroundUserDatabases(around: AroundCall) {
  return wrapUserDatabases((db) => aroundD1(around, db))
}

/** The rows of a query in every database of users. */
export async function readUserDatabases<T = Record<string, unknown>>(
  sql: string,
  ...values: unknown[]
): Promise<T[]> {
  const reads = Object.values(USER_DATABASES).map((db) =>
    db
      .prepare(sql)
      .bind(...values)
      .all<T>(),
  )
  return (await Promise.all(reads)).flatMap(({ results }) => results)
}

/** The usernames of a database. */
export async function usernamesIn(db: D1Database): Promise<string[]> {
  const { results } = await db
    .prepare('SELECT username FROM users ORDER BY username')
    .all<{ username: string }>()
  return results.map(({ username }) => username)
}
