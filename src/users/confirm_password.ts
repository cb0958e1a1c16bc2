import { type RequestContext, runToEnd } from '../lib/request_context.ts'
import { passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { SignInGuard } from './sign_in_guard.ts'
import type { User } from './user.ts'
import type { UserStore } from './user_store.ts'

/** The current password of a signed-in user, as the request has it. */
export interface Confirmation {
  user: User
  password: string
  clientId: string
  api: string | null
}

interface Dependencies {
  users: Pick<UserStore, 'findForSignIn'>
  passwords: Pick<PasswordHasher, 'verify'>
  guard: SignInGuard
}

/**
 * Checks the current password of a signed-in user. A wrong password counts as a failed sign-in of the account. So an access token
 * allows no more guesses than a sign-in. The server counts the failure before the check, so the limit includes parallel guesses.
 *
 * @returns the reason of the refusal; null if the password is correct
 * @throws OAuthError temporarily_unavailable; StorageUnavailable
 */
export async function confirmPassword(
  { user, password, clientId, api }: Confirmation,
  { users, passwords, guard }: Dependencies,
  context: RequestContext,
): Promise<string | null> {
  const { id, pool, username } = user
  const attempt = await guard.watch({ id, pool, username, clientId, api }, context)
  const keys = [attempt.account, ...attempt.others]
  const { failures } = await users.findForSignIn({ pool, username, keys, now: context.now }, 'primary')
  guard.requireAdmission(failures, attempt)
  const isSuspect = guard.isSuspect(failures, attempt)
  const isAdmitted = await guard.reserve(attempt, id)
  const forms = passwordForms(password)
  const isProven = forms !== null && (await passwords.verify(forms, user.passwordHash, { isSuspect }))
  if (isProven && isAdmitted) {
    guard.release(user, context)
    return null
  }
  await runToEnd(context, guard.countOthers(attempt, id))
  return isAdmitted ? 'wrong current password' : 'locked user'
}
