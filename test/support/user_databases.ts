import { IN_OBJECTS } from './session_objects.ts'

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

/** The usernames of a database. */
export async function usernamesIn(db: D1Database): Promise<string[]> {
  const { results } = await db
    .prepare('SELECT username FROM users ORDER BY username')
    .all<{ username: string }>()
  return results.map(({ username }) => username)
}
