import { encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'
import { splitOnce } from '../lib/split_once.ts'
import type { Call, ConfirmationRule } from './operation.ts'
import { requireOperator } from './permissions.ts'
import { operatorOnly, Problem } from './problem.ts'

/** The request header that contains a confirmation. */
export const CONFIRMATION_HEADER = 'Sallyport-Confirmation'

/** The lifetime of a confirmation, in seconds. */
export const CONFIRMATION_SECONDS = 300

/**
 * Makes a confirmation: a text that proves that the operator of this session has just typed the password. It is valid only
 * with an access token of the same session. The server does not store it.
 */
export async function makeConfirmation(call: Call): Promise<string> {
  const expiresAt = call.context.now + CONFIRMATION_SECONDS
  return `${expiresAt}.${await authenticate(call, expiresAt)}`
}

/** @throws Problem 403 if the call has no valid confirmation of its session, or is by a service account */
export async function requireConfirmation(call: Call): Promise<void> {
  if (call.caller.kind === 'service account') {
    throw operatorOnly('This needs a confirmation of the password, and a service account has none.')
  }
  const [time, given = ''] = splitOnce(call.confirmation ?? '', '.')
  const expiresAt = /^\d{1,12}$/.test(time) ? Number(time) : 0
  const expected = await authenticate(call, expiresAt)
  const isOurs = equalInConstantTime(encodeUtf8(given), encodeUtf8(expected))
  if (isOurs && expiresAt > call.context.now) return
  throw new Problem('confirmation-required', {
    detail: `Get a confirmation with POST /admin/api/me/confirm, and send it in the header ${CONFIRMATION_HEADER}.`,
  })
}

function authenticate(call: Call, expiresAt: number): Promise<string> {
  const { user, sid } = requireOperator(call)
  return call.services.confirmations.name(user.id, sid, String(expiresAt))
}

/** The rule of an operation that always needs a confirmation. */
export const ALWAYS: ConfirmationRule<unknown, unknown> = { when: 'in any case', isNeeded: () => true }

/** The `when` of an operation that can give a user the role admin. */
export const FOR_ADMINS = 'if the change makes a user an admin'

/** Whether a user has all rights in the admin API. */
export function isAdmin(
  { pool, roles = [] }: { pool?: string; roles?: readonly string[] | undefined },
  call: Call,
): boolean {
  return pool === call.services.config.adminApi?.userPool && roles.includes('admin')
}
