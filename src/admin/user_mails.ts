import * as z from 'zod/mini'
import { INVITATION, RESET_PASSWORD } from '../accounts/link_kinds.ts'
import { createUserWithoutPassword } from '../users/create_user.ts'
import type { Profile } from '../users/profile.ts'
import type { UserRecord } from '../users/user_record.ts'
import { adminEvent } from './change.ts'
import { FOR_ADMINS, isAdmin } from './confirmation.ts'
import { createOnce } from './idempotency.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { hasAllPermissions, requirePermission } from './permissions.ts'
import { invalidContent, Problem } from './problem.ts'
import { named } from './schemas.ts'
import { requirePermissionForUser } from './user_actions.ts'
import { checkUser, draftMembers, userSchema } from './user_schemas.ts'
import { idOf, newUserId, refuseAsProblem, requireUser, show, takenUsername } from './users.ts'

const { must_change_password: _, ...invitationMembers } = draftMembers
const invitationSchema = named('Invitation', z.strictObject(invitationMembers))

type Addressed = UserRecord & { profile: Profile & { email: string } }

const inviteUser = operation({
  id: 'inviteUser',
  method: 'POST',
  path: '/users/invite',
  summary:
    'Creates a user without a password, and sends an invitation: a mail with a link to a first password',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  body: invitationSchema,
  isIdempotent: true,
  confirmation: { when: FOR_ADMINS, isNeeded: (call) => isAdmin(call.body, call) },
  status: 201,
  response: userSchema,
  async handle(call) {
    const { body, services, context } = call
    const { pool, username, roles = [], profile = {}, enabled = true } = body
    requirePermission({ pool }, call)
    checkUser({ pool, roles }, services.config)
    requireMail(call)
    if (profile.email === undefined)
      throw invalidContent([{ path: 'profile.email', message: 'must be the address of the invitation' }])
    const draft = { pool, username, roles, enabled }
    const change = { operation: 'inviteUser', to: { pool, roles, enabled } }
    // A repeat sends the mail too, because the earlier request can have failed after it stored the user.
    const finish = async (id: string) => {
      const user = await requireUser(id, call)
      if (user.isHashReplaceable) await services.passwordLinks.send(INVITATION, requireAddress(user), context)
      return { ...show(user), location: `/users/${id}` }
    }
    return createOnce(
      call,
      { operation: 'inviteUser', body: { ...draft, profile }, id: newUserId(draft, call) },
      {
        async create({ id }, alongside) {
          const make = async () => createUserWithoutPassword(draft, services, context.now)
          const user = await refuseAsProblem(make)
          const event = adminEvent(call, 'the user was invited', { subject: id, change })
          const statements = [...alongside, services.audit.additionIfChanged(event, context)]
          const added = await services.userAdmin.add([{ ...user, id, profile }], statements)
          if (!added.has(id)) throw takenUsername()
          return finish(id)
        },
        repeat: ({ id }) => finish(id),
      },
    )
  },
})

const sendPasswordReset = operation({
  id: 'sendPasswordReset',
  method: 'POST',
  path: '/users/{id}/password-reset',
  summary: 'Sends a password reset: a mail with a link to a new password, to the stored address of the user',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  confirmation: {
    when: 'if the user is an operator, or has no verified address',
    // Otherwise a stolen access token could change the address of a user, and then get the password.
    async isNeeded(call) {
      if (!hasAllPermissions(call)) return false
      const { pool, profile } = await requireUser(idOf(call), call)
      return pool === call.services.config.adminApi?.userPool || profile.email_verified !== true
    },
    exemptsServiceAccounts: true,
  },
  status: 200,
  response: userSchema,
  async handle(call) {
    const { services, context } = call
    const id = idOf(call)
    await requirePermissionForUser(id, call)
    requireMail(call)
    const user = requireAddress(await requireUser(id, call))
    if (!user.enabled) throw new Problem('conflict', { detail: 'Enable the user first.' })
    const change = { operation: 'sendPasswordReset' }
    services.audit.record(adminEvent(call, 'a password reset was sent', { subject: id, change }), context)
    await services.passwordLinks.send(RESET_PASSWORD, user, context)
    return show(user)
  },
})

export const USER_MAILS: readonly Operation[] = [inviteUser, sendPasswordReset]

/** @throws Problem 409 if the server sends no mails */
function requireMail({ services }: Pick<Call, 'services'>): void {
  if (services.config.mail === null)
    throw new Problem('conflict', { detail: 'Set the key mail in config.yml: this server sends no mails.' })
}

/** @throws Problem 409 without an address */
function requireAddress(user: UserRecord): Addressed {
  const { email } = user.profile
  if (email === undefined) throw new Problem('conflict', { detail: 'Give the user an email address first.' })
  return { ...user, profile: { ...user.profile, email } }
}
