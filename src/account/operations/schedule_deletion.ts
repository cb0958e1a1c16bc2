import { normalizeUsername } from '@sallyport/formats/username'
import { DELETION_SECONDS } from '../../accounts/account_deletion.ts'
import { InputRefused } from '../../browser/input_refused.ts'
import { type AccountCall, originOf } from './account_call.ts'

/**
 * Schedules the deletion of the caller's account, ends every session of the caller, and sends the caller a mail. A finished sign-in
 * before the time of the deletion cancels it.
 *
 * @param username The text that the caller typed to confirm.
 * @throws InputRefused for another name, and for the last admin; StorageUnavailable, CorruptRecord
 */
export async function scheduleDeletion(username: string, call: AccountCall): Promise<void> {
  const { signedIn, services, context } = call
  const { user } = signedIn
  if (normalizeUsername(username) !== user.username) throw new InputRefused({ kind: 'wrong_name' })
  const deletedAt = context.now + DELETION_SECONDS
  const revocation = {
    reason: 'the user deletes the account',
    edit: { deletionAt: deletedAt },
    conditions: { adminPool: services.config.adminApi?.userPool ?? null },
    event: originOf(call),
  }
  const outcome = await services.signOut.endUser(user.id, revocation, context)
  if (outcome.kind === 'refused') throw new InputRefused({ kind: 'last_admin' })
  services.notifications.send(originOf(call), { kind: 'deletion_scheduled', deletedAt }, context)
}
