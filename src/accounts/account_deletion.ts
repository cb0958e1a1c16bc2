import type { AuditEvent } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { Config } from '../config/config.ts'
import { log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import type { User } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import { eraseUser } from './erase_user.ts'

/** The time between the request of a user and the erasure of the account. */
export const DELETION_SECONDS = 14 * 86_400

interface Dependencies {
  userAdmin: UserAdminStore
  audit: AuditStore
  notifications: Notifier
}

/** Cancels the deletion of an account at a sign-in. */
export class AccountDeletion {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Cancels the scheduled deletion of the user of a finished sign-in, and sends the user a mail. The sign-in waits for the write:
   * after a lost write the account would be erased.
   *
   * @param origin The client and the API of the sign-in.
   * @returns whether a deletion was scheduled
   * @throws StorageUnavailable, CorruptRecord
   */
  async cancel(
    { id, deletionAt }: User,
    origin: Pick<AuditEvent, 'api' | 'clientId'>,
    context: RequestContext,
  ): Promise<boolean> {
    if (deletionAt === null) return false
    const { userAdmin, audit, notifications } = this.#parts
    const reason = 'a sign-in cancelled the deletion'
    const event = { kind: 'account', outcome: 'ok', reason, ...origin, subject: id, sid: null } as const
    const conditions = { versions: null, adminPool: null, now: context.now }
    await userAdmin.change(id, { deletionAt: null }, conditions, [audit.additionIfChanged(event, context)])
    notifications.send({ subject: id, ...origin }, { kind: 'deletion_cancelled' }, context)
    return true
  }
}

type Erasing = Parameters<typeof eraseUser>[2] & {
  userAdmin: UserAdminStore
  config: Pick<Config, 'adminApi'>
}

/**
 * Erases up to `limit` accounts whose deletion is due. An account stays if a sign-in cancels its deletion at the same time. The last
 * admin stays too, until another user is an admin.
 *
 * @returns how many users it erased
 * @throws StorageUnavailable, CorruptRecord
 */
export async function eraseDueUsers(
  services: Erasing,
  limit: number,
  context: RequestContext,
): Promise<number> {
  const due = await services.userAdmin.listDueForDeletion(context.now, limit)
  let erased = 0
  for (const user of due) {
    const conditions = { isDeletionDue: true, adminPool: services.config.adminApi?.userPool ?? null }
    const cause = { reason: 'the user was erased', conditions, event: {} }
    const outcome = await eraseUser(user, cause, services, context)
    if (outcome.kind === 'changed') erased += 1
    else if (outcome.kind === 'refused') log('warn', 'account_not_erased', { cause: 'the last admin stays' })
  }
  return erased
}
