import { foldUsername } from '@sallyport/formats/username'
import type { AdminApi, Item } from '../api/admin_api.ts'
import { asItem, at } from '../api/admin_api.ts'
import { CliError } from '../core/exit_code.ts'
import { textOf } from './output.ts'

/** Somebody by an id, which is `user:…`, or by a whole username. @throws CliError where it is nobody, or several */
export async function requireUser(api: AdminApi, who: string, pool: string | undefined): Promise<Item> {
  if (isUserId(who)) return asItem((await api.ask({ operation: `GET ${at('/users/{}', who)}` })).body)
  const [user, ...others] = await findByUsername(api, who, pool)
  if (user === undefined) throw new CliError('notFound', `There is nobody with the username "${who}".`)
  if (others.length === 0) return user
  const pools = [user, ...others].map((each) => textOf(each, 'pool')).join(', ')
  throw new CliError('failed', `"${who}" is in several pools: say which by --pool, one of ${pools}.`)
}

export function isUserId(text: string): boolean {
  return text.startsWith('user:')
}

/** The whole name is its own beginning; where many names begin so, all of them are looked at. */
async function findByUsername(api: AdminApi, username: string, pool: string | undefined): Promise<Item[]> {
  const { items } = await api.list({ operation: 'GET /users', query: { q: username, pool } }, Infinity)
  return items.filter((user) => textOf(user, 'username') === foldUsername(username))
}

/** What a session says whose it is. @throws as `requireUser` */
export async function findSubject(api: AdminApi, who: string, pool: string | undefined): Promise<string> {
  // People and guests that are gone have left their sessions.
  if (isUserId(who) || who.startsWith('visitor:')) return who
  return textOf(await requireUser(api, who, pool), 'id')
}
