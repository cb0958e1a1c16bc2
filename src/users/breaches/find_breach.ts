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
 * Looks for the password of a person who has just proven it in known breaches, where that is due. The sign-in waits for
 * the response, so that its own tokens say what was found; for the note of it, which spares the next sign-ins the question,
 * it waits where the password was found: a refresh a moment later must not know less.
 *
 * @returns The person, with what is known now. Where nobody could be asked, that is what was known before.
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
