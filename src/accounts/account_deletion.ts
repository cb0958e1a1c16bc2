import type { AuditEvent } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { Config } from '../config/config.ts'
import { log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import type { Swept } from '../storage/sweep.ts'
import type { DueDeletionStore, DueUser } from '../users/due_deletion_store.ts'
import type { User } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import { ERASE_STATEMENTS, eraseUser } from './erase_user.ts'

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
  dueDeletions: DueDeletionStore
  config: Pick<Config, 'adminApi'>
}

/** The users of one call. */
const USERS_AT_ONCE = 5

/** The statements of one call: the list, and for each user a batch. */
export const DELETION_STATEMENTS = 1 + USERS_AT_ONCE * ERASE_STATEMENTS

/** One run of the cron trigger. It has read the users up to `last`, the oldest deletion first. */
export interface DeletionRun {
  last: DueUser | null
}

/**
 * Erases the next accounts of a run whose deletion is due. An account stays if a sign-in cancels its deletion at the same time. The
 * last admin stays too, until another user is an admin. An account whose erasure fails is left to the next run.
 *
 * @param run The call changes it.
 * @throws StorageUnavailable, CorruptRecord, if the list cannot be read
 */
export async function eraseDueUsers(
  services: Erasing,
  run: DeletionRun,
  context: RequestContext,
): Promise<Swept> {
  const due = await services.dueDeletions.list(run.last, context.now, USERS_AT_ONCE)
  run.last = due.at(-1) ?? run.last
  const failures: unknown[] = []
  let removed = 0
  for (const user of due) {
    try {
      removed += Number(await isErased(user, services, context))
    } catch (error) {
      failures.push(error)
    }
  }
  const statements = 1 + due.length * ERASE_STATEMENTS
  return { removed, hasMore: due.length === USERS_AT_ONCE, statements, failures }
}

async function isErased(user: DueUser, services: Erasing, context: RequestContext): Promise<boolean> {
  const conditions = { isDeletionDue: true, adminPool: services.config.adminApi?.userPool ?? null }
  const cause = { reason: 'the user was erased', conditions, event: {} }
  const { kind } = await eraseUser(user, cause, services, context)
  if (kind === 'refused') log('warn', 'account_not_erased', { cause: 'the last admin stays' })
  return kind === 'changed'
}
