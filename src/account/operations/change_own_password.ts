import { InputRefused } from '../../browser/input_refused.ts'
import { changePassword } from '../../sessions/change_password.ts'
import { confirmPassword } from '../../users/confirm_password.ts'
import type { UserRecord } from '../../users/user_record.ts'
import { type AccountCall, originOf } from './account_call.ts'

interface Passwords {
  current: string
  next: string
}

/**
 * Sets a new password for the caller, who proves the current one, and ends every session of the caller. The account
 * page then keeps its browser session.
 *
 * @throws InputRefused, PasswordRefused, OAuthError temporarily_unavailable, StorageUnavailable, CorruptRecord
 */
export async function changeOwnPassword(passwords: Passwords, call: AccountCall): Promise<UserRecord> {
  const { services, context, signedIn } = call
  const { user } = signedIn
  const origin = originOf(call)
  const refusal = await confirmPassword({ user, password: passwords.current, ...origin }, services, context)
  if (refusal !== null) {
    const event = { kind: 'sign_in_failure', outcome: 'refused', cause: 'wrong_password', sid: null } as const
    services.audit.record({ ...event, reason: refusal, ...origin }, context)
    throw new InputRefused({ kind: 'wrong_current_password' })
  }
  const setting = { occasion: origin, context, event: origin }
  const outcome = await changePassword({ user, ...passwords }, setting, services)
  if (outcome.kind !== 'changed' || outcome.record === null)
    throw new InputRefused({ kind: 'wrong_current_password' })
  return outcome.record
}
