import type { ClientRequest } from '../../clients/client_request.ts'
import { runLater } from '../../lib/request_context.ts'
import { encodePassword } from '../password.ts'
import type { User } from '../user.ts'
import type { UserStore } from '../user_store.ts'
import type { BreachedPasswords } from './breached_passwords.ts'

interface Dependencies {
  breaches: BreachedPasswords
  users: Pick<UserStore, 'rememberBreach'>
}

/**
 * Checks the correct password of a sign-in against known breaches, if a check is due. The sign-in waits for the service, because
 * its tokens contain the result. It waits for the write only if the password is breached, because the next refresh needs this
 * result.
 *
 * @returns the user with the new result, or with the stored result if the check failed
 * @throws StorageUnavailable
 */
export async function findBreach(
  user: User,
  password: string,
  { client, api, context }: ClientRequest,
  { breaches, users }: Dependencies,
): Promise<User> {
  const bytes = breaches.isDue(user, context.now) ? encodePassword(password) : null
  if (bytes === null) return user
  const occasion = { at: 'sign-in', api: api.name, clientId: client.id, subject: user.id } as const
  const finding = await breaches.find(bytes, occasion, context)
  if (finding === 'unknown') return user
  const found = { breachCheckedAt: context.now, passwordBreached: finding === 'found' }
  if (found.passwordBreached) await users.rememberBreach(user, found)
  else runLater(context, 'breach check', () => users.rememberBreach(user, found))
  return { ...user, ...found }
}
