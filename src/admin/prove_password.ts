import { passwordForms } from '../users/password.ts'
import { adminEvent } from './change.ts'
import type { Call } from './operation.ts'
import { Problem } from './problem.ts'

/**
 * Checks the operator's own password. A wrong one counts as a failed sign-in of the account: an access token gives no
 * further guesses. The audit trail has each refusal.
 *
 * @param operation The `operationId`, for the audit trail.
 * @throws Problem 403 wrong-password
 * @throws OAuthError temporarily_unavailable, where there were too many attempts or too many hashes wait
 */
export async function requireOwnPassword(call: Call, password: string, operation: string): Promise<void> {
  const { services, context, operator } = call
  const refusal = await findRefusal(call, password)
  if (refusal === null) return
  const about = { subject: operator.user.id, sid: operator.sid, change: { operation } }
  services.audit.record({ ...adminEvent(call, refusal, about), outcome: 'refused' }, context)
  throw new Problem('wrong-password')
}

/** Why the password is refused; null where it is right. */
async function findRefusal(
  { services, context, operator: { user, clientId } }: Call,
  password: string,
): Promise<string | null> {
  const { guard, users, passwords, config } = services
  const { pool, username } = user
  const attempt = await guard.watch({ pool, username, clientId, api: config.adminApi?.name ?? null }, context)
  const query = { ...attempt, now: context.now }
  const { failures } = await users.findForSignIn(query, 'primary')
  guard.requireAdmission(failures, attempt)
  const forms = passwordForms(password)
  const isProven = forms !== null && (await passwords.verify(forms, user.passwordHash))
  if (!isProven) guard.noteGuess(attempt)
  // Of many guesses at once, all read the failures before the first one is counted.
  const newest = guard.wasGuessedAt(attempt)
    ? (await users.findForSignIn(query, 'primary')).failures
    : failures
  const isLocked = guard.isAccountLocked(newest, attempt)
  if (isProven && !isLocked) {
    guard.forgetFailures(attempt, newest)
    return null
  }
  await guard.countFailure(attempt, user.id)
  return isLocked ? 'locked user' : 'wrong current password'
}
