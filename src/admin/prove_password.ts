import { confirmPassword } from '../users/confirm_password.ts'
import { adminEvent } from './change.ts'
import type { Call } from './operation.ts'
import { requireOperator } from './permissions.ts'
import { Problem } from './problem.ts'

/**
 * Checks the operator's own password. A wrong password counts as a failed sign-in of the account, so that an access token
 * gives no additional guesses. The audit trail records each refusal.
 *
 * @param operation The `operationId`, for the audit trail.
 * @throws Problem 403 wrong-password
 * @throws OAuthError temporarily_unavailable after too many attempts, or if too many hashes wait
 */
export async function requireOwnPassword(call: Call, password: string, operation: string): Promise<void> {
  const { services, context } = call
  const { user, clientId, sid } = requireOperator(call)
  const api = services.config.adminApi?.name ?? null
  const refusal = await confirmPassword({ user, password, clientId, api }, services, context)
  if (refusal === null) return
  const about = { subject: user.id, sid, change: { operation } }
  services.audit.record({ ...adminEvent(call, refusal, about), outcome: 'refused' }, context)
  throw new Problem('wrong-password')
}
