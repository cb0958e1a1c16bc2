import type { AdminApi } from '../api/admin_api.ts'
import type { User } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'

/** Finds a user by id (`user:…`) or by username. @throws CliError for no match, or several */
export async function requireUser(api: AdminApi, who: string, pool: string | undefined): Promise<User> {
  if (isUserId(who)) return api.read({ operation: 'GET /users/{id}', path: { id: who } })
  const [user, ...others] = await findByUsername(api, who, pool)
  if (user === undefined) throw new CliError('notFound', `No user has the username "${who}".`)
  if (others.length === 0) return user
  const pools = [user, ...others].map((each) => each.pool).join(', ')
  throw new CliError('failed', `"${who}" is in several pools. Choose one with --pool: ${pools}.`)
}

export function isUserId(text: string): boolean {
  return text.startsWith('user:')
}

async function findByUsername(
  api: AdminApi,
  username: string,
  pool: string | undefined,
): Promise<readonly User[]> {
  return (await api.list({ operation: 'GET /users', query: { username, pool } }, Infinity)).items
}

/** The subject of a session: the id of a user or a visitor. @throws as `requireUser` */
export async function findSubject(api: AdminApi, who: string, pool: string | undefined): Promise<string> {
  // Sessions of deleted users still exist, so an id is not looked up.
  if (isUserId(who) || who.startsWith('visitor:')) return who
  return (await requireUser(api, who, pool)).id
}
