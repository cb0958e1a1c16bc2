import * as z from 'zod/mini'
import type { UserRecord } from '../users/user_record.ts'
import { adminEvent } from './change.ts'
import { type Operation, operation } from './operation.ts'
import { viewerOf } from './permissions.ts'
import { named } from './schemas.ts'
import { findSessions } from './session_page.ts'
import type { Viewer } from './session_view.ts'
import { showLive } from './sessions.ts'
import { refuseOneself, requirePermissionForUser } from './user_actions.ts'
import { idOf, requireReadableUser, requireUser } from './users.ts'

const PATH = '/users/{id}'
const DAY_SECONDS = 86_400
/** The maximum of the counted sessions and failures. */
const MAX_COUNTED = 100

export const supportSchema = named(
  'UserSupport',
  z.strictObject({
    /** The last sign-in by a grant or on the sign-in page. Null if the audit trail has no sign-in of the user. */
    last_sign_in_at: z.nullable(z.int()),
    /** Since midnight UTC, at most 100. Failures past the budget of events are not counted. */
    failed_sign_ins_today: z.int(),
    /** Failed sign-ins since the last lock and the last sign-in. */
    failures: z.int(),
    /** The end of the lock of the account; null if it is not locked. */
    locked_until: z.nullable(z.int()),
    /** At most 100. */
    live_sessions: z.int(),
  }),
)

const readUserSupport = operation({
  id: 'readUserSupport',
  method: 'GET',
  path: `${PATH}/support`,
  summary: 'Returns the last sign-in, failed sign-ins, the lock and the number of live sessions of a user',
  tag: 'users',
  role: 'support',
  scope: 'users:read',
  status: 200,
  response: supportSchema,
  async handle(call) {
    return { body: await describeSupport(await requireReadableUser(idOf(call), call), viewerOf(call)) }
  },
})

const unlockUser = operation({
  id: 'unlockUser',
  method: 'POST',
  path: `${PATH}/unlock`,
  summary:
    'Unlocks the account: ends the locks of its password and its second factor and resets its failed sign-ins, at all locations',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  status: 200,
  response: supportSchema,
  async handle(call) {
    const { services, context } = call
    const id = idOf(call)
    // Otherwise a stolen token could reset the count of guesses at the password of its operator.
    refuseOneself(id, call)
    await requirePermissionForUser(id, call)
    const user = await requireUser(id, call)
    const change = { operation: 'unlockUser' }
    const event = adminEvent(call, 'the account was unlocked', { subject: id, change })
    const account = await services.guard.accountKey(user)
    const secondFactor = services.guard.secondFactorKey(id)
    await services.failures.unlock(
      [account, secondFactor],
      [services.audit.additionIfChanged(event, context)],
    )
    return { body: await describeSupport(user, viewerOf(call)) }
  },
})

export const USER_SUPPORT: readonly Operation[] = [readUserSupport, unlockUser]

/** The sign-ins and the lock of a user. @throws StorageUnavailable, CorruptRecord */
export async function describeSupport(
  user: UserRecord,
  viewer: Viewer,
): Promise<z.output<typeof supportSchema>> {
  const { services, context } = viewer
  const { auditTrail, failures, guard } = services
  const midnight = context.now - (context.now % DAY_SECONDS)
  const [lastSignIn, failedToday, count, liveSessions] = await Promise.all([
    auditTrail.findLastSignIn(user.id),
    auditTrail.countFailures(user.id, { from: midnight, limit: MAX_COUNTED }),
    guard.accountKey(user).then((account) => failures.find(account, context.now)),
    countLiveSessions(user.id, viewer),
  ])
  const lockedUntil = count?.lockedUntil ?? 0
  return {
    last_sign_in_at: lastSignIn,
    failed_sign_ins_today: failedToday,
    failures: count?.failures ?? 0,
    locked_until: lockedUntil > context.now ? lockedUntil : null,
    live_sessions: liveSessions,
  }
}

/** Counts the live sessions among the newest sessions of a user. */
async function countLiveSessions(subject: string, viewer: Viewer): Promise<number> {
  const page = { sort: 'started', isDescending: true, from: null, isBackwards: false, limit: MAX_COUNTED }
  const { rows } = await findSessions({ subject, clientId: null }, page, viewer.services)
  return (await showLive(rows, viewer)).length
}
