import type { Call } from '../core/command.ts'
import { text } from '../core/option.ts'
import { isUserId, requireUser } from './find_user.ts'
import { ASKS_FOR_PASSWORD } from './own_password.ts'

export const POOL = text('pool', 'The pool of the user, if the username is in several pools')
export const USER = { name: 'USER', summary: 'The id (user:…) or the username' }
export const FIND = [POOL]

/** Details of the commands that can give the role admin. */
export const CONFIRMED_ADMINS = `To give the user the role admin, ${ASKS_FOR_PASSWORD}`

/** The path of the user that the command names. @throws as `requireUser` */
export async function findPath({ api, input }: Call) {
  const who = input.argument('USER')
  return { id: isUserId(who) ? who : (await requireUser(api, who, input.get(POOL))).id }
}
